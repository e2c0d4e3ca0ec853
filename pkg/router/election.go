package router

import (
	"container/heap"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/vrrp"
)

// election is one machine with the instances it decides for: one alone, or
// those of a sync group.
type election struct {
	machine *vrrp.Machine
	group   *config.SyncGroup // nil for an instance alone
	members []*instance       // by the machine's number of the router
	begun   bool              // the machine was started

	deadline time.Time // of the machine; zero is never
	place    int       // in the agenda, -1 when never due
}

func (e *election) state() vrrp.State {
	s, _ := e.machine.State()
	return s
}

func (e *election) isMaster() bool { return e.state() == vrrp.Master }

// agenda holds the elections in the order of their deadlines.
type agenda struct{ heap agendaHeap }

// add begins to heed the deadlines of an election.
func (a *agenda) add(e *election) {
	e.place = -1
	a.moved(e)
}

// drop forgets an election.
func (a *agenda) drop(e *election) {
	if e.place >= 0 {
		heap.Remove(&a.heap, e.place)
	}
}

// moved takes note that the deadline of e may be another one.
func (a *agenda) moved(e *election) {
	e.deadline = e.machine.Deadline()
	switch {
	case e.deadline.IsZero():
		a.drop(e)
	case e.place < 0:
		heap.Push(&a.heap, e)
	default:
		heap.Fix(&a.heap, e.place)
	}
}

// next is the earliest deadline; zero is never.
func (a *agenda) next() time.Time {
	if len(a.heap) == 0 {
		return time.Time{}
	}
	return a.heap[0].deadline
}

// due returns an election whose deadline has come, nil if there is none.
func (a *agenda) due(now time.Time) *election {
	if len(a.heap) == 0 || now.Before(a.heap[0].deadline) {
		return nil
	}
	return a.heap[0]
}

type agendaHeap []*election

func (h agendaHeap) Len() int           { return len(h) }
func (h agendaHeap) Less(i, j int) bool { return h[i].deadline.Before(h[j].deadline) }
func (h agendaHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *agendaHeap) Push(x any) {
	e := x.(*election)
	e.place = len(*h)
	*h = append(*h, e)
}

func (h *agendaHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	e.place = -1
	*h = old[:len(old)-1]
	return e
}
