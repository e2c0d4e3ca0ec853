package syntax

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// generator repeats a text, each time with other values of its variables.
type generator struct {
	text  chunk
	at    diag.Span // the specification
	names []string
	lists [][]chunk // ~LST: for each round a value of each name

	// ~SEQ: the rounds that are left, and the number of the next one.
	left       uint64
	next, step int64
	hex        bool
	round      int
}

// makeNext gives the variables their values for the next round, if there is one.
func (g *generator) makeNext(r *reader) bool {
	if g.lists != nil {
		if g.round == len(g.lists) {
			return false
		}
		for i, name := range g.names {
			d := &definition{at: g.at, note: "$" + name + " is empty here"}
			if v := g.lists[g.round]; i < len(v) && v[i].s != "" {
				d.lines = v[i : i+1]
				d.note = "$" + name + " is " + v[i].s + " here"
			}
			r.defs[name] = d
		}
		g.round++
		return true
	}
	if g.left == 0 {
		return false
	}
	number := strconv.FormatInt(g.next, 10)
	if g.hex {
		number = strconv.FormatInt(g.next, 16)
	}
	value := chunk{s: number, segs: []seg{{at: g.at}}}
	r.defs[g.names[0]] = &definition{lines: []chunk{value}, at: g.at, note: "$" + g.names[0] + " is " + number + " here"}
	g.left--
	g.next += g.step
	return true
}

// generate reads a line that starts with ~SEQ or ~LST; a bad one is dropped.
func (r *reader) generate(c chunk, depth int) bool {
	kind := ""
	switch {
	case strings.HasPrefix(c.s, "~SEQ"):
		kind = "~SEQ"
	case strings.HasPrefix(c.s, "~LST"):
		kind = "~LST"
	default:
		return false
	}
	r.tree.Used |= Generators
	g := new(generator)
	rest := c.s[len(kind):]
	if kind == "~SEQ" {
		rest, g.hex = strings.CutPrefix(rest, "x")
	}
	open := len(c.s) - len(strings.TrimLeft(rest, blanks))
	end := strings.IndexByte(c.s, ')')
	if open >= len(c.s) || c.s[open] != '(' || end < open {
		r.badGenerator(c, len(c.s), kind, errors.New("its ( ) are missing"))
		return true
	}
	spec := c.from(open + 1).to(end - open - 1)
	var err error
	if kind == "~SEQ" {
		spec, _, _ = r.replace(spec)
		err = g.sequence(spec.s)
	} else {
		err = g.list(spec)
	}
	if err != nil {
		r.badGenerator(c, end+1, kind, err)
		return true
	}
	var up *Origin
	g.at, up = c.span(0, end+1)
	g.text = c.from(end + 1).trim()
	g.text.via = &Origin{Text: "repeated by this " + kind, At: g.at, Up: up}
	r.stack(maker{gen: g, depth: depth + 1}, g.text.via)
	return true
}

func (r *reader) badGenerator(c chunk, n int, kind string, err error) {
	example := "~SEQ(i, 1, 10) 192.0.2.${i} gives ten lines"
	if kind == "~LST" {
		example = "~LST(i, 1, 5, 9) 192.0.2.${i} gives three lines,\n~LST({a,b}, {1,eth0}, {2,eth1}) 192.0.2.${a} dev ${b} gives two"
	}
	at, via := c.span(0, n)
	r.problem(diag.Problem{
		ID: "bad-generator", Severity: diag.Error, Class: diag.Config, At: at,
		Text: fmt.Sprintf("%s cannot be understood: %v", kind, err), Hint: example,
	}, via)
}

// maxBound is the length of the longest number that ~SEQ takes.
const maxBound = 64

// sequence reads var, start, step, end; or var, start, end; or var, end.
func (g *generator) sequence(spec string) error {
	fields := strings.Split(spec, ",")
	name := strings.Trim(fields[0], blanks)
	if n := len(fields); name == "" || n < 2 || n > 4 {
		return errors.New("it wants a name and one to three numbers")
	}
	g.names = []string{name}
	var numbers [3]int64
	for i, f := range fields[1:] {
		if f = strings.Trim(f, blanks); f == "" {
			continue
		}
		n, err := strconv.ParseInt(f, 0, 32)
		if err != nil || len(f) > maxBound {
			return fmt.Errorf("%q is not a number", f)
		}
		numbers[i] = n
	}
	var start, step, end int64
	switch len(fields) {
	case 2:
		start, end = 1, numbers[0]
		if end < 0 {
			start = -1
		}
	case 3:
		start, end = numbers[0], numbers[1]
	case 4:
		start, step, end = numbers[0], numbers[1], numbers[2]
	}
	if step == 0 && len(fields) < 4 {
		step = 1
		if end < start {
			step = -1
		}
	}
	switch {
	case step == 0:
		return errors.New("a step of 0 never gets anywhere")
	case start < end && step < 0, start > end && step > 0:
		return fmt.Errorf("a step of %d does not lead from %d to %d", step, start, end)
	case g.hex && min(start, end) < 0:
		return errors.New("~SEQx writes no negative numbers")
	}
	g.next, g.step = start, step
	g.left = uint64((end-start)/step) + 1
	return nil
}

// list reads var, value, ... or {var, ...}, {value, ...}, ...
func (g *generator) list(spec chunk) error {
	first, rest, err := listItem(spec)
	if err != nil {
		return err
	}
	for _, name := range first {
		g.names = append(g.names, name.s) // an empty one takes a value and stands nowhere
	}
	if rest.s == "" {
		return errors.New("it wants a name and at least one value")
	}
	g.lists = [][]chunk{}
	for rest.s != "" {
		var values []chunk
		if values, rest, err = listItem(rest.from(1)); err != nil {
			return err
		}
		if len(values) > len(g.names) {
			return fmt.Errorf("%d values for %d names", len(values), len(g.names))
		}
		g.lists = append(g.lists, values)
	}
	return nil
}

// listItem reads one item of a list, in braces or not, up to its comma.
func listItem(c chunk) (values []chunk, rest chunk, err error) {
	c = c.from(len(c.s) - len(strings.TrimLeft(c.s, blanks)))
	if !strings.HasPrefix(c.s, "{") {
		n := strings.IndexByte(c.s+",", ',')
		v := c.to(n).trim()
		if strings.ContainsAny(v.s, "{}"+blanks) {
			return nil, c, fmt.Errorf("%q is not one value", v.s)
		}
		return []chunk{v}, c.from(n), nil
	}
	n := strings.IndexByte(c.s, '}')
	if n < 0 {
		return nil, c, errors.New("a } is missing")
	}
	inner := c.from(1).to(n - 1)
	for {
		k := strings.IndexByte(inner.s+",", ',')
		v := inner.to(k).trim()
		if strings.ContainsAny(v.s, "{"+blanks) {
			return nil, c, fmt.Errorf("%q is not one value", v.s)
		}
		values = append(values, v)
		if k == len(inner.s) {
			break
		}
		inner = inner.from(k + 1)
	}
	rest = c.from(n + 1).trim()
	if rest.s != "" && rest.s[0] != ',' {
		return nil, c, fmt.Errorf("a comma is missing in front of %q", rest.s)
	}
	return values, rest, nil
}
