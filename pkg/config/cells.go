package config

import "github.com/holdfast-lb/holdfast/pkg/config/diag"

// cells are where a virtual server with all that it holds is put together. Unless
// all is kept, they are used again for the next one: a million lines then take no
// more memory than what is kept of them.
type cells struct {
	keep     Keep
	service  *virtualCell
	servers  stock[realCell]
	checkers stock[checkerCell]
}

type virtualCell struct {
	draft virtualDraft
	VirtualServer
}

type realCell struct {
	draft realDraft
	RealServer
}

type checkerCell struct {
	draft checkerDraft
	Checker
}

// stock hands out values, and the same ones again when it has been emptied.
type stock[T any] struct {
	made []*T
	used int
}

func (s *stock[T]) take() *T {
	if s.used == len(s.made) {
		s.made = append(s.made, new(T))
	}
	s.used++
	return s.made[s.used-1]
}

// virtual starts the next virtual server.
func (c *cells) virtual(at diag.Span) *virtualDraft {
	if c.service == nil {
		*c = cells{keep: c.keep, service: new(virtualCell)}
	}
	c.servers.used, c.checkers.used = 0, 0
	to := c.service
	v := typed(c.keep, &to.VirtualServer)
	*v = VirtualServer{At: at, DefaultWeight: 1, Quorum: 1, RealServers: to.RealServers[:0]}
	to.draft = virtualDraft{VirtualServer: v, reals: to.draft.reals[:0]}
	return &to.draft
}

func (c *cells) real(at diag.Span) *realDraft {
	to := c.servers.take()
	r := typed(c.keep, &to.RealServer)
	*r = RealServer{At: at, Checkers: to.Checkers[:0]}
	to.draft = realDraft{RealServer: r, checkers: to.draft.checkers[:0]}
	return &to.draft
}

func (c *cells) checker(kind CheckKind, at diag.Span) *checkerDraft {
	to := c.checkers.take()
	k := typed(c.keep, &to.Checker)
	*k = Checker{Kind: kind, At: at}
	to.draft = checkerDraft{Checker: k}
	return &to.draft
}

// typed is where a value that the operator has described is put: the cell's, or
// one that outlives the cell. It is to be written before it is read: each page of
// new memory that is read first costs twice.
func typed[T any](keep Keep, cell *T) *T {
	if keep == KeepTyped {
		return new(T)
	}
	return cell
}
