package syntax

// Nodes nests the lines by their braces and hands the comments to the nodes
// they belong to. The rest are comments at the end of everything.
func (t *Tree) Nodes() (nodes []*Node, rest []Comment) {
	b := nester{comments: t.Comments}
	b.open = append(b.open, &Node{Block: true})
	for i, l := range t.Lines.All() {
		b.add(i, &l)
	}
	rest = b.until(t.Lines.Len())
	return b.open[0].Children, rest
}

// nester builds nodes from lines.
type nester struct {
	open     []*Node // the root and the blocks that are open
	last     *Node   // the node that a { or a comment behind it would belong to
	slab     []Node
	comments []Comment // those not handed out yet
}

func (b *nester) node() *Node {
	if len(b.slab) == 0 {
		b.slab = make([]Node, 256)
	}
	n := &b.slab[0]
	b.slab = b.slab[1:]
	return n
}

// until takes the comments that stand in front of line i: those behind text on
// an earlier line belong to the last node, the others are returned.
func (b *nester) until(i int) (own []Comment) {
	for len(b.comments) > 0 && b.comments[0].Next <= i {
		c := b.comments[0]
		b.comments = b.comments[1:]
		switch {
		case !c.Tail || b.last == nil:
			own = append(own, c)
		case b.last.Close.IsZero():
			b.last.After = append(b.last.After, c)
		default:
			b.last.Behind = append(b.last.Behind, c)
		}
	}
	return own
}

func (b *nester) add(i int, l *Line) {
	before := b.until(i)
	top := b.open[len(b.open)-1]
	switch l.Kind {
	case Plain:
		n := b.node()
		n.Words, n.Before = l.Words, before
		top.Children = append(top.Children, n)
		b.last = n
	case Open:
		n := b.last
		if n == nil || n.Block || len(n.Words) == 0 {
			n = b.node()
			top.Children = append(top.Children, n)
		}
		n.Before = append(n.Before, before...)
		n.Block, n.Open = true, l.At
		b.open = append(b.open, n)
		b.last = n
	case Close:
		if len(b.open) == 1 {
			n := b.node()
			n.Close, n.Before = l.At, before
			top.Children = append(top.Children, n)
			b.last = n
			return
		}
		top.Close = l.At
		top.Inside = append(top.Inside, before...)
		b.open = b.open[:len(b.open)-1]
		b.last = top
	}
}
