package track

// Gate turns results into a verdict: so many successes in a row make it up, so
// many failures down. The very first result decides at once.
type Gate struct {
	Rise, Fall int // at least 1; less counts as 1

	state  State
	streak int // results in a row that speak against the state
}

// Start sets the verdict that holds until the first result, and that the first
// result need not outweigh.
func (g *Gate) Start(s State) { g.state, g.streak = s, 0 }

// State is the present verdict.
func (g *Gate) State() State { return g.state }

// Observe notes a result and reports whether the verdict turned.
func (g *Gate) Observe(ok bool) bool {
	want := StateOf(ok)
	if want == g.state {
		g.streak = 0
		return false
	}
	g.streak++
	need := g.Fall
	if ok {
		need = g.Rise
	}
	if g.state != Unknown && g.streak < need {
		return false
	}
	g.state, g.streak = want, 0
	return true
}
