package director

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/holdfast-lb/holdfast/ipvs"
)

// rounds is how often a difference that does not go away is planned anew before
// it has to wait for the next reconciliation.
const rounds = 3

// errand is something else to do with the kernel.
type errand struct {
	run  func(context.Context, ipvs.Kernel) // by the worker
	then func()                             // by the loop, when run has returned; may be nil
}

// job is one reconciliation: make these services what they should be.
type job struct {
	errands []errand // first

	keys []ipvs.Key // ours that are looked at; those not in want are deleted
	want ipvs.Table
	full bool       // keys are all that is ours: one dump is cheaper than many questions
	gone []ipvs.Key // those of keys that are not in want, if full

	routine bool // nobody has changed anything about these keys

	found *ipvs.Table // what is there, if that has just been read

	// moving are the services whose flows move when a server leaves, for which
	// expire makes the kernel let go of connections until undo is called.
	moving map[ipvs.Key]bool
	expire func() (undo func())

	// gentle leaves what is there as it is, and only adds what is missing.
	gentle bool

	// expected are the keys that are likely to differ, because we changed our
	// mind about them; nil means all. A difference elsewhere was made by others.
	expected map[ipvs.Key]bool
}

// outcome is what came of a job.
type outcome struct {
	job     job
	edits   int            // requests sent
	foreign []ipvs.Op      // of these, what undid changes of others
	held    []ipvs.Op      // what a gentle job has left for later
	refused []ipvs.OpError // requests that the kernel refuses
	err     error          // the table could not be read or written
	took    time.Duration
}

// carryOut does a job: reads, plans, sends, and looks again when the kernel says
// that the table is not what was read or does not answer. It stops reading when
// reading ends, which may be long before ctx does: what it sends, it sends whole.
func carryOut(ctx, reading context.Context, k ipvs.Kernel, j job) outcome {
	out := outcome{job: j}
	for _, e := range j.errands {
		e.run(ctx, k)
	}
	if !j.full && len(j.keys) == 0 {
		return out
	}
	for round := range rounds {
		have, err := read(reading, k, j, round)
		if err != nil {
			out.err = err
			return out
		}
		out.refused, out.err, out.held = nil, nil, nil
		before := out.edits
		var space []ipvs.Op
		for have, want := range pieces(have, j.want) {
			plan := ipvs.AppendPlan(space, have, want)
			space = plan[:0]
			if j.gentle {
				plan, out.held = additions(plan)
			}
			if round == 0 && j.expected != nil {
				for _, op := range plan {
					if !j.expected[op.Service.Key] {
						out.foreign = append(out.foreign, op)
					}
				}
			}
			if len(plan) == 0 {
				continue
			}
			out.edits += len(plan)
			var refused []ipvs.OpError
			refused, out.err = j.apply(ctx, k, plan)
			if out.refused = append(out.refused, refused...); out.err != nil {
				break
			}
		}
		if out.edits == before || !lookAgain(out) {
			return out
		}
	}
	return out
}

// apply sends a plan.
func (j *job) apply(ctx context.Context, k ipvs.Kernel, plan []ipvs.Op) ([]ipvs.OpError, error) {
	if len(j.moving) > 0 && slices.ContainsFunc(plan, j.moves) {
		defer j.expire()()
	}
	return k.Apply(ctx, plan)
}

// moves says whether a request takes a server from clients that are to move.
func (j *job) moves(op ipvs.Op) bool {
	return op.Verb == ipvs.DeleteDestination && j.moving[op.Service.Key]
}

// pieces splits the work where nothing is there yet: all of it is adding then,
// and the plan for tens of thousands of servers at once would be most of what
// the process needs.
func pieces(have, want ipvs.Table) iter.Seq2[ipvs.Table, ipvs.Table] {
	const services = 256
	return func(yield func(have, want ipvs.Table) bool) {
		if len(have) > 0 {
			yield(have, want)
			return
		}
		for piece := range slices.Chunk(want, services) {
			if !yield(nil, piece) {
				return
			}
		}
	}
}

// additions are the requests of a plan that add, and the others.
func additions(plan []ipvs.Op) (add, others []ipvs.Op) {
	adds := func(op ipvs.Op) bool { return op.Verb == ipvs.AddService || op.Verb == ipvs.AddDestination }
	if !slices.ContainsFunc(plan, func(op ipvs.Op) bool { return !adds(op) }) {
		return plan, nil // there are tens of thousands of them
	}
	for _, op := range plan {
		if adds(op) {
			add = append(add, op)
		} else {
			others = append(others, op)
		}
	}
	return add, others
}

func read(ctx context.Context, k ipvs.Kernel, j job, round int) (ipvs.Table, error) {
	switch {
	case !j.full:
		return k.Get(ctx, j.keys...)
	case j.found != nil && round == 0:
		return *j.found, nil
	}
	have, err := k.Read(ctx, among(func(ours map[ipvs.Key]bool) {
		for _, key := range j.keys {
			ours[key] = true
		}
	}))
	if err != nil || len(j.gone) == 0 {
		return have, err
	}
	// A dump may leave something out while others change the table. What is wanted
	// will be looked at again and again, but this is the last look at these.
	there := make(map[ipvs.Key]bool, len(have))
	for i := range have {
		there[have[i].Key] = true
	}
	missing, err := k.Get(ctx, slices.DeleteFunc(slices.Clone(j.gone), func(k ipvs.Key) bool { return there[k] })...)
	return append(have, missing...), err
}

// among tells the keys that fill puts into a set, which is made only if anybody
// asks.
func among(fill func(map[ipvs.Key]bool)) func(ipvs.Key) bool {
	set := sync.OnceValue(func() map[ipvs.Key]bool {
		keys := make(map[ipvs.Key]bool)
		fill(keys)
		return keys
	})
	return func(k ipvs.Key) bool { return set()[k] }
}

// lookAgain says whether the kernel's answers mean that the table was not what
// we read: somebody else is at work, or answers were lost.
func lookAgain(o outcome) bool {
	if o.err != nil {
		return errors.Is(o.err, ipvs.ErrUncertain)
	}
	for _, r := range o.refused {
		if stale(r) {
			return true
		}
	}
	return false
}

// stale tells refusals that reading again may cure from those that it will not.
// An unknown scheduler has the number of a missing destination.
func stale(r ipvs.OpError) bool {
	return errors.Is(r, syscall.EEXIST) || errors.Is(r, syscall.ESRCH) ||
		errors.Is(r, syscall.ENOENT) && r.Op.Verb >= ipvs.AddDestination
}

// refusalText is a refusal in the words that administrators know.
func refusalText(r ipvs.OpError) string {
	// Number and name of keepalived's own command for each verb.
	cmd := map[ipvs.Verb]string{
		ipvs.AddService:        "IP_VS_SO_SET_ADD(1154)",
		ipvs.EditService:       "IP_VS_SO_SET_EDIT(1155)",
		ipvs.DeleteService:     "IP_VS_SO_SET_DEL(1156)",
		ipvs.AddDestination:    "IP_VS_SO_SET_ADDDEST(1159)",
		ipvs.DeleteDestination: "IP_VS_SO_SET_DELDEST(1160)",
		ipvs.EditDestination:   "IP_VS_SO_SET_EDITDEST(1161)",
	}[r.Op.Verb]
	number := syscall.Errno(0)
	errors.As(r.Err, &number)
	where := r.Op.Service.Key.String()
	if r.Op.Verb >= ipvs.AddDestination {
		where += " -> " + r.Op.Destination.AddrPort().String()
	}
	return fmt.Sprintf("IPVS cmd %s error: %v(%d) (%s)", cmd, r.Err, int(number), where)
}

// summary names the first of some requests and counts the others.
func summary(ops []ipvs.Op) string {
	const shown = 3
	var b strings.Builder
	for i, op := range ops[:min(len(ops), shown)] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(op.String())
	}
	if more := len(ops) - shown; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}
