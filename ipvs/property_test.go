package ipvs_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
)

// capacity is what a table offers: every destination of every service with its
// weight, by name.
func capacity(t *testing.T, k ipvs.Kernel) map[string]int32 {
	have, err := k.Read(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := make(map[string]int32)
	for _, e := range have {
		for _, d := range e.Destinations {
			sum[e.Key.String()+" "+d.AddrPort().String()] = d.Weight
		}
	}
	return sum
}

func TestPlanProperties(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		have, want := ipvstest.Tables().Draw(r, "have"), ipvstest.Tables().Draw(r, "want")
		k := ipvstest.New()
		if failed, _ := k.Apply(t.Context(), ipvs.Plan(nil, have)); len(failed) != 0 {
			r.Fatalf("the plan to have is refused: %v", failed)
		}

		plan := ipvs.Plan(have, want)
		if again := ipvs.Plan(have, want); !slices.Equal(plan, again) {
			r.Fatalf("two plans of the same differ:\n%v\n%v", plan, again)
		}
		if again := ipvs.Plan(repeated(r, have), want); !slices.Equal(plan, again) {
			r.Fatalf("what is listed twice makes a difference:\n%v\n%v", plan, again)
		}
		changed := make(map[ipvs.Key]bool)
		before, falling := capacity(t, k), false
		for _, op := range plan {
			changed[op.Service.Key] = true
			if failed, _ := k.Apply(t.Context(), []ipvs.Op{op}); len(failed) != 0 {
				r.Fatalf("the kernel refuses a step of the plan %v: %v", plan, failed)
			}
			after := capacity(t, k)
			rose, fell := compare(before, after)
			if rose && falling {
				r.Fatalf("%v adds capacity after some was taken away: %v", op, plan)
			}
			falling = falling || fell
			before = after
		}

		reached, _ := k.Read(t.Context(), nil)
		if rest := ipvs.Plan(reached, want); len(rest) != 0 {
			r.Fatalf("after the plan there is more to do: %v", rest)
		}
		for _, e := range want {
			if h := have.Find(e.Key); h != nil && len(ipvs.Plan(ipvs.Table{*h}, ipvs.Table{e})) == 0 && changed[e.Key] {
				r.Fatalf("%v is as wanted but is touched: %v", e.Key, plan)
			}
		}
		recreated := func(v ipvs.Verb, key ipvs.Key) bool {
			return v == ipvs.DeleteService && want.Find(key) != nil || v == ipvs.AddService && have.Find(key) != nil
		}
		for _, op := range plan {
			if recreated(op.Verb, op.Service.Key) {
				r.Fatalf("%v re-creates what can be edited: %v", op, plan)
			}
		}
	})
}

// repeated is a table with some of its parts listed again, as a dump has them while
// others change the table.
func repeated(r *rapid.T, t ipvs.Table) (out ipvs.Table) {
	for _, e := range t {
		twice := e.Destinations
		if n := len(twice); n > 0 && rapid.Bool().Draw(r, "destination again") {
			e.Destinations = append(slices.Clone(twice), twice[n-1])
		}
		if out = append(out, e); rapid.Bool().Draw(r, "service again") {
			out = append(out, e)
		}
	}
	return out
}

// compare says whether any destination gained or lost weight, counting one that
// is not there as less than one with weight 0.
func compare(before, after map[string]int32) (rose, fell bool) {
	for name, w := range after {
		old, ok := before[name]
		rose = rose || !ok || w > old
		fell = fell || ok && w < old
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			fell = true
		}
	}
	return rose, fell
}
