package director

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

// examiner makes the checks of a policy as the engine does, but answers them itself.
type examiner struct {
	policy
	sharing healthcheck.Sharing
	checks  map[string]*healthcheck.Check
}

func (b *examiner) load(cfg *config.Config) {
	b.policy.load(cfg, checksFor(cfg, nil), nil, epoch)
	run, known := b.sharing.Set(b.specs())
	old := b.checks
	b.checks = make(map[string]*healthcheck.Check)
	for _, s := range run {
		c := old[s.Key]
		if c == nil {
			b.checks[s.Key] = healthcheck.NewCheck(s, epoch)
			continue
		}
		b.checks[s.Key] = c
		b.tell(c.Adopt(s, epoch))
	}
	for _, ev := range known {
		b.health(ev, epoch)
	}
}

func (b *examiner) tell(step healthcheck.Step) {
	if !step.Tell {
		return
	}
	for _, ev := range b.sharing.Spread(step.Event) {
		b.health(ev, epoch)
	}
}

// agree looks whether the policy knows of every check what that knows itself.
func (b *examiner) agree(t *rapid.T) {
	for made, c := range b.checks {
		st := c.Status()
		if !st.Known {
			continue
		}
		for _, key := range b.sharing.Users(made) {
			at, ok := b.policy.checks[key]
			if !ok {
				t.Fatalf("%s is made for nobody", key)
			}
			if at.check.up != st.Up || at.check.weight != st.Weight {
				t.Fatalf("%s: the check is up %v with a weight of %d, the policy believes up %v with %d",
					key, st.Up, st.Weight, at.check.up, at.check.weight)
			}
		}
	}
}

// drawServices draws virtual servers whose checks have much in common.
func drawServices(t *rapid.T) *config.Config {
	cfg := cfgOf()
	for i := range 4 {
		if !rapid.Bool().Draw(t, "wanted") {
			continue
		}
		var servers []*config.RealServer
		for n := range rapid.IntRange(1, 3).Draw(t, "servers") {
			r := rs(fmt.Sprintf("[2001:db8::%d]:80", n+1), rapid.IntRange(1, 3).Draw(t, "weight"))
			r.Checkers = nil
			for range rapid.IntRange(0, 2).Draw(t, "checks") {
				r.Checkers = append(r.Checkers, drawCheck(t))
			}
			servers = append(servers, r)
		}
		v := vs(servers...)
		switch i {
		case 0, 1: // the two families of a mark
			v.FwMark, v.IPv6 = 3, i == 1
		default: // written twice, if both are there
			v.Addr = addr("[2001:db8::100]:80")
		}
		cfg.VirtualServers = append(cfg.VirtualServers, v)
	}
	return cfg
}

func drawCheck(t *rapid.T) *config.Checker {
	ck := &config.Checker{
		Kind: config.CheckTCP, Target: addr("[2001:db8::9]:80"), DelayLoop: time.Second, ConnectTimeout: time.Second,
		Alpha: rapid.Bool().Draw(t, "alpha"),
	}
	if rapid.Bool().Draw(t, "program") {
		ck.Kind = config.CheckMisc
		ck.Misc = &config.MiscCheck{Command: &config.Command{Argv: []string{"x"}}, Dynamic: rapid.Bool().Draw(t, "dynamic")}
	}
	return ck
}

// What the checks find and what the policy believes stay the same over any reloads.
func TestPolicyBelievesItsChecks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &examiner{sharing: healthcheck.Sharing{Off: rapid.Bool().Draw(t, "alone")}}
		t.Repeat(map[string]func(*rapid.T){
			"reload": func(t *rapid.T) { b.load(drawServices(t)) },
			"answer": func(t *rapid.T) {
				var run []string
				for _, s := range b.specs() {
					for made := range b.checks {
						for _, user := range b.sharing.Users(made) {
							if user == s.Key {
								run = append(run, made)
							}
						}
					}
				}
				if len(run) == 0 {
					return
				}
				c := b.checks[rapid.SampledFrom(run).Draw(t, "check")]
				r := healthcheck.Result{OK: rapid.Bool().Draw(t, "ok")}
				if !r.OK {
					r.Fault = rapid.SampledFrom([]healthcheck.Fault{healthcheck.FaultLocal, healthcheck.FaultConnect, healthcheck.FaultExit}).Draw(t, "fault")
					r.Value = int64(rapid.IntRange(1, 9).Draw(t, "value"))
				}
				c.Begin(epoch)
				b.tell(c.Finish(epoch, r))
			},
			"": b.agree,
		})
	})
}
