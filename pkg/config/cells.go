package config

import "github.com/holdfast-lb/holdfast/pkg/config/diag"

// cells are where a virtual server with all that it holds is put together. A
// brief reading uses them again for the next one: a million lines then take no
// more memory than the largest service in them.
type cells struct {
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
func (c *cells) virtual(again bool, at diag.Span) *virtualDraft {
	if !again {
		return &virtualDraft{VirtualServer: &VirtualServer{At: at, DefaultWeight: 1, Quorum: 1}}
	}
	if c.service == nil {
		c.service = new(virtualCell)
	}
	c.servers.used, c.checkers.used = 0, 0
	to := c.service
	to.VirtualServer = VirtualServer{At: at, DefaultWeight: 1, Quorum: 1, RealServers: to.RealServers[:0]}
	to.draft = virtualDraft{VirtualServer: &to.VirtualServer, reals: to.draft.reals[:0]}
	return &to.draft
}

func (c *cells) real(again bool, at diag.Span) *realDraft {
	if !again {
		return &realDraft{RealServer: &RealServer{At: at}}
	}
	to := c.servers.take()
	to.RealServer = RealServer{At: at, Checkers: to.Checkers[:0]}
	to.draft = realDraft{RealServer: &to.RealServer, checkers: to.draft.checkers[:0]}
	return &to.draft
}

func (c *cells) checker(again bool, kind CheckKind, at diag.Span) *checkerDraft {
	if !again {
		return &checkerDraft{Checker: &Checker{Kind: kind, At: at}}
	}
	to := c.checkers.take()
	to.Checker = Checker{Kind: kind, At: at}
	to.draft = checkerDraft{Checker: &to.Checker}
	return &to.draft
}
