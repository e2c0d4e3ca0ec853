package ipvstest

import (
	"context"
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/holdfast-lb/holdfast/ipvs"
)

// Conformance tells whether a kernel behaves as [ipvs.Kernel] says. The kernel
// starts each part with an empty table, which the suite makes so with Flush. The
// daemons are run on the interface named lo.
func Conformance(t *testing.T, k ipvs.Kernel) {
	for _, part := range []struct {
		name string
		test func(*testing.T, ipvs.Kernel)
	}{
		{"reads back everything that was written", readsBack},
		{"edits in place", editsInPlace},
		{"refuses with the kernel's numbers", refuses},
		{"goes on after a refusal", goesOn},
		{"finds services by key", finds},
		{"leaves out what is not owned", leavesOut},
		{"returns destinations last added first", order},
		{"deletes destinations with their service", deletesAll},
		{"carries out any plan", anyPlan},
		{"ends with its context", ends},
		{"keeps timeouts", timeouts},
		{"starts and stops daemons", daemons},
		{"zeroes counters", zeroes},
	} {
		t.Run(part.name, func(t *testing.T) {
			if err := k.Flush(t.Context()); err != nil {
				t.Fatalf("Flush: %v", err)
			}
			part.test(t, k)
		})
	}
}

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Context() context.Context
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
}

// reach makes the kernel's table want by a plan.
func reach(t tester, k ipvs.Kernel, want ipvs.Table) {
	t.Helper()
	have, err := k.Read(t.Context(), nil)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	apply(t, k, ipvs.Plan(have, want)...)
}

func apply(t tester, k ipvs.Kernel, ops ...ipvs.Op) {
	t.Helper()
	failed, err := k.Apply(t.Context(), ops)
	if err != nil {
		t.Fatalf("Apply: %v", err)
	}
	for _, f := range failed {
		t.Errorf("Apply: %v", f)
	}
}

// is checks that nothing is missing for the kernel's table to be want.
func is(t tester, k ipvs.Kernel, want ipvs.Table) {
	t.Helper()
	have, err := k.Read(t.Context(), nil)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	if plan := ipvs.Plan(have, want); len(plan) != 0 {
		t.Errorf("the table differs from what was written, to do: %+v\nhave %+v", plan, have)
	}
}

func readsBack(t *testing.T, k ipvs.Kernel) {
	reach(t, k, Everything())
	is(t, k, Everything())
}

func editsInPlace(t *testing.T, k ipvs.Kernel) {
	s, d := web("rr"), real("10.0.0.1:80")
	reach(t, k, ipvs.Table{{Service: s, Destinations: []ipvs.Destination{d}}})
	steps := []struct {
		name   string
		change func()
	}{
		{"scheduler", func() { s.Scheduler = "wrr" }},
		{"flags", func() { s.Flags = ipvs.SchedulerFlag1 | ipvs.OnePacket }},
		{"persistence", func() { s.Flags, s.Timeout, s.Netmask = ipvs.Persistent, time.Minute, 0xffff0000 }},
		{"netmask", func() { s.Netmask = 0xffffff00 }},
		{"no persistence", func() { s.Flags, s.Netmask = 0, 0xffffffff }},
		{"weight", func() { d.Weight = 100000 }},
		{"thresholds", func() { d.Upper, d.Lower = 10, 5 }},
		{"method", func() { d.Method = ipvs.DirectRoute }},
		{"tunnel", func() { d.Method, d.Encap = ipvs.Tunnel, ipvs.Encap{Type: ipvs.GUE, Port: 1234} }},
		{"weight of a tunnelled server, which stays tunnelled", func() { d.Weight = 7 }},
		{"tunnel type", func() { d.Encap = ipvs.Encap{Type: ipvs.GRE, Flags: ipvs.TunnelChecksum} }},
		{"back to NAT", func() { d.Method = ipvs.NAT }},
	}
	for _, step := range steps {
		step.change()
		want := ipvs.Table{{Service: s, Destinations: []ipvs.Destination{d}}}
		have, err := k.Read(t.Context(), nil)
		if err != nil {
			t.Fatalf("%s: Read: %v", step.name, err)
		}
		plan := ipvs.Plan(have, want)
		if len(plan) != 1 || plan[0].Verb != ipvs.EditService && plan[0].Verb != ipvs.EditDestination {
			t.Errorf("%s: the plan is %v, want one edit", step.name, plan)
		}
		apply(t, k, plan...)
		is(t, k, want)
	}
}

func refuses(t *testing.T, k ipvs.Kernel) {
	there, gone := web("rr"), web("rr")
	gone.Port = 81
	d, other := real("10.0.0.1:80"), real("10.0.0.2:80")
	reach(t, k, ipvs.Table{{Service: there, Destinations: []ipvs.Destination{d}}})

	unknown, engine, v6 := gone, gone, gone
	unknown.Scheduler = "nosuch"
	engine.Engine = "nosuch"
	v6.Key, v6.Netmask = ipvs.AddressKey(ipvs.TCP, netip.MustParseAddrPort("[2001:db8::1]:80")), 129
	mixed, limits, negative := real("[2001:db8::5]:80"), other, other
	limits.Upper, limits.Lower = 1, 2
	negative.Weight = -1

	for _, tt := range []struct {
		name string
		op   ipvs.Op
		want syscall.Errno
	}{
		{"a service that is there", ipvs.Op{Verb: ipvs.AddService, Service: there}, syscall.EEXIST},
		{"edit a service that is not there", ipvs.Op{Verb: ipvs.EditService, Service: gone}, syscall.ESRCH},
		{"delete a service that is not there", ipvs.Op{Verb: ipvs.DeleteService, Service: gone}, syscall.ESRCH},
		{"unknown scheduler", ipvs.Op{Verb: ipvs.AddService, Service: unknown}, syscall.ENOENT},
		{"unknown persistence engine", ipvs.Op{Verb: ipvs.AddService, Service: engine}, syscall.ENOENT},
		{"IPv6 prefix too long", ipvs.Op{Verb: ipvs.AddService, Service: v6}, syscall.EINVAL},
		{"a destination that is there", ipvs.Op{Verb: ipvs.AddDestination, Service: there, Destination: d}, syscall.EEXIST},
		{"a destination of no service", ipvs.Op{Verb: ipvs.AddDestination, Service: gone, Destination: d}, syscall.ESRCH},
		{"edit a destination that is not there", ipvs.Op{Verb: ipvs.EditDestination, Service: there, Destination: other}, syscall.ENOENT},
		{"delete a destination that is not there", ipvs.Op{Verb: ipvs.DeleteDestination, Service: there, Destination: other}, syscall.ENOENT},
		{"another family without a tunnel", ipvs.Op{Verb: ipvs.AddDestination, Service: there, Destination: mixed}, syscall.EINVAL},
		{"thresholds the wrong way round", ipvs.Op{Verb: ipvs.AddDestination, Service: there, Destination: limits}, syscall.ERANGE},
		{"a negative weight", ipvs.Op{Verb: ipvs.AddDestination, Service: there, Destination: negative}, syscall.ERANGE},
	} {
		failed, err := k.Apply(t.Context(), []ipvs.Op{tt.op})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if len(failed) != 1 || !errors.Is(failed[0], tt.want) {
			t.Errorf("%s: refused %v, want %v", tt.name, failed, tt.want)
		} else if failed[0].Op != tt.op {
			t.Errorf("%s: the refusal names %v, want %v", tt.name, failed[0].Op, tt.op)
		}
	}
	is(t, k, ipvs.Table{{Service: there, Destinations: []ipvs.Destination{d}}})
}

func goesOn(t *testing.T, k ipvs.Kernel) {
	const n = 1000 // several batches
	s := web("rr")
	want := ipvs.Entry{Service: s}
	ops := []ipvs.Op{{Verb: ipvs.AddService, Service: s}}
	var wrong []ipvs.Op
	for i := range n {
		d := real("10.0.0.1:1")
		d.Port += uint16(i)
		if i%3 == 0 {
			d.Weight = -1
			wrong = append(wrong, ipvs.Op{Verb: ipvs.AddDestination, Service: s, Destination: d})
		} else {
			want.Destinations = append(want.Destinations, d)
		}
		ops = append(ops, ipvs.Op{Verb: ipvs.AddDestination, Service: s, Destination: d})
	}
	failed, err := k.Apply(t.Context(), ops)
	if err != nil {
		t.Fatalf("Apply: %v", err)
	}
	var got []ipvs.Op
	for _, f := range failed {
		got = append(got, f.Op)
	}
	if diff := cmp.Diff(wrong, got, cmpopts.EquateComparable(ipvs.Op{})); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
	is(t, k, ipvs.Table{want})
}

func finds(t *testing.T, k ipvs.Kernel) {
	all := Everything()
	reach(t, k, all)
	missing := ipvs.AddressKey(ipvs.UDP, netip.MustParseAddrPort("198.51.100.1:1"))
	got, err := k.Get(t.Context(), all[2].Key, missing, all[0].Key)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	if len(got) != 2 || got[0].Key != all[2].Key || got[1].Key != all[0].Key {
		t.Fatalf("Get = %v, want the third and the first service", got)
	}
	if plan := ipvs.Plan(got, ipvs.Table{all[2], all[0]}); len(plan) != 0 {
		t.Errorf("what Get returned is not what was written: %v", plan)
	}
	if got, err := k.Get(t.Context(), missing); err != nil || len(got) != 0 {
		t.Errorf("Get(missing) = %v, %v, want nothing", got, err)
	}
}

func leavesOut(t *testing.T, k ipvs.Kernel) {
	all := Everything()
	reach(t, k, all)
	got, err := k.Read(t.Context(), func(key ipvs.Key) bool { return key == all[1].Key })
	if err != nil || len(got) != 1 || got[0].Key != all[1].Key {
		t.Errorf("Read(one) = %v, %v, want only %v", got, err, all[1].Key)
	}
}

func order(t *testing.T, k ipvs.Kernel) {
	one, two := real("10.0.0.1:80"), real("10.0.0.2:80")
	reach(t, k, ipvs.Table{{Service: web("rr"), Destinations: []ipvs.Destination{one, two}}})
	got, err := k.Read(t.Context(), nil)
	if err != nil || len(got) != 1 || len(got[0].Destinations) != 2 {
		t.Fatalf("Read = %v, %v, want two destinations", got, err)
	}
	if got[0].Destinations[0] != two || got[0].Destinations[1] != one {
		t.Errorf("Read gives %v, want the last added first", got[0].Destinations)
	}
}

func deletesAll(t *testing.T, k ipvs.Kernel) {
	s, d := web("rr"), real("10.0.0.1:80")
	reach(t, k, ipvs.Table{{Service: s, Destinations: []ipvs.Destination{d}}})
	apply(t, k, ipvs.Op{Verb: ipvs.DeleteService, Service: s}, ipvs.Op{Verb: ipvs.AddService, Service: s})
	is(t, k, ipvs.Table{{Service: s}})
}

// anyPlan draws tables and goes from each to the next.
func anyPlan(t *testing.T, k ipvs.Kernel) {
	rapid.Check(t, func(r *rapid.T) {
		want := Tables().Draw(r, "want")
		reach(r, k, want)
		is(r, k, want)
	})
}

func ends(t *testing.T, k ipvs.Kernel) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Read(over, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Read with a cancelled context: %v, want %v", err, context.Canceled)
	}
	add := ipvs.Op{Verb: ipvs.AddService, Service: web("rr")}
	if _, err := k.Apply(over, []ipvs.Op{add}); !errors.Is(err, context.Canceled) {
		t.Errorf("Apply with a cancelled context: %v, want %v", err, context.Canceled)
	}
	is(t, k, nil) // and can be used again
}
