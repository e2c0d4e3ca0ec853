package director

import (
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

func TestInhibit(t *testing.T) {
	inhibited := func(r *config.RealServer) { r.Inhibit = true }
	s := begin(t, cfgOf(edit(vs(edit(rs("10.9.0.11:80", 5), inhibited), edit(rs("10.9.0.12:80", 5), inhibited)), func(v *config.VirtualServer) {
		v.Quorum = 10
		v.Sorry = &config.SorryServer{Addr: addr("10.9.0.18:8080")}
		v.SorryInhibit = true
	})))
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 5
		  10.9.0.12:80 NAT 5
		  10.9.0.18:8080 NAT 0
		`)
	s.check("10.9.0.12:80", false)
	s.said(
		"Disabling service [10.9.0.12]:tcp:80 of VS [10.9.0.100]:tcp:80",
		"Lost quorum 10-0=10 > 5 for VS [10.9.0.100]:tcp:80",
		"Enabling sorry server [10.9.0.18]:tcp:8080 to VS [10.9.0.100]:tcp:80",
		"Removing alive servers from the pool for VS [10.9.0.100]:tcp:80",
	)
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 0
		  10.9.0.12:80 NAT 0
		  10.9.0.18:8080 NAT 1
		`)
	s.check("10.9.0.12:80", true)
	s.said(
		"Enabling service [10.9.0.12]:tcp:80 of VS [10.9.0.100]:tcp:80",
		"Gained quorum 10+0=10 <= 10 for VS [10.9.0.100]:tcp:80",
		"Disabling sorry server [10.9.0.18]:tcp:8080 from VS [10.9.0.100]:tcp:80",
		"Adding alive servers to the pool for VS [10.9.0.100]:tcp:80",
	)
}

func TestAlpha(t *testing.T) {
	s := begin(t, cfgOf(edit(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1)), func(v *config.VirtualServer) { v.Alpha = true })))
	s.said()
	s.told()
	s.tables("\n10.9.0.100:80/tcp rr\n")
	s.check("10.9.0.11:80", true)
	s.said("Adding service [10.9.0.11]:tcp:80 to VS [10.9.0.100]:tcp:80", "Gained quorum 1+0=1 <= 1 for VS [10.9.0.100]:tcp:80")
	s.check("10.9.0.12:80", false)
	s.said()
	s.told("RS [10.9.0.12]:tcp:80 [10.9.0.100]:tcp:80 DOWN")
	s.check("10.9.0.12:80", false)
	s.told()
}

func TestOmega(t *testing.T) {
	s := begin(t, &config.Config{
		Global: config.Global{RSInitNotifies: true},
		VirtualServers: []*config.VirtualServer{edit(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1)),
			func(v *config.VirtualServer) { v.Omega = true })},
	})
	s.told(
		"RS [10.9.0.11]:tcp:80 [10.9.0.100]:tcp:80 UP",
		"RS [10.9.0.12]:tcp:80 [10.9.0.100]:tcp:80 UP",
		"VS [10.9.0.100]:tcp:80 UP",
	)
	s.check("10.9.0.12:80", false)
	s.p.stop(func(e effects) { s.e = e }) // of its only virtual server
	s.said(
		"Shutting down service [10.9.0.11]:tcp:80 from VS [10.9.0.100]:tcp:80",
		"Shutting down service [10.9.0.12]:tcp:80 from VS [10.9.0.100]:tcp:80",
	)
	s.told("RS [10.9.0.11]:tcp:80 [10.9.0.100]:tcp:80 DOWN", "VS [10.9.0.100]:tcp:80 DOWN")
}

func TestWeightsFromChecks(t *testing.T) {
	s := begin(t, cfgOf(vs(rs("10.9.0.11:80", 10), rs("10.9.0.12:80", 0))))
	event := func(weight int) {
		s.e = s.p.health(healthcheck.Event{Key: "10.9.0.11:80/0", Up: true, Weight: weight}, epoch)
	}
	event(5)
	s.said("Changing weight from 10 to 15 for active service [10.9.0.11]:tcp:80 of VS [10.9.0.100]:tcp:80")
	event(5)
	s.said()
	event(-20)
	s.said(
		"Changing weight from 15 to 0 for active service [10.9.0.11]:tcp:80 of VS [10.9.0.100]:tcp:80",
		"Lost quorum 1-0=1 > 0 for VS [10.9.0.100]:tcp:80",
	)
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 0
		  10.9.0.12:80 NAT 0
		`)
	event(1 << 40)
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 2147483647
		  10.9.0.12:80 NAT 0
		`)
}

// The weight with which a server comes back is told before, but not of a file.
func TestWeightOfAServerThatComesBack(t *testing.T) {
	const comes = "Adding service [10.9.0.11]:tcp:80 to VS [10.9.0.100]:tcp:80"
	for name, want := range map[string][]string{
		"MISC_CHECK": {"Changing weight from 10 to 28 for inactive service [10.9.0.11]:tcp:80 of VS [10.9.0.100]:tcp:80", comes},
		"FILE_CHECK": {comes},
	} {
		s := begin(t, cfgOf(vs(rs("10.9.0.11:80", 10), rs("10.9.0.12:80", 10))))
		if name == "FILE_CHECK" {
			s.p.checks["10.9.0.11:80/0"].check.spec.Ask = healthcheck.File{}
		}
		s.check("10.9.0.11:80", false)
		s.e = s.p.health(healthcheck.Event{Key: "10.9.0.11:80/0", Up: true, Turned: true, Weight: 18}, epoch)
		s.Log(name)
		s.said(want...)
	}
}

// A role that comes back must not put dead servers into the pool; keepalived does.
func TestAdoption(t *testing.T) {
	web := ipvs.Service{Key: ipvs.AddressKey(ipvs.TCP, addr("10.9.0.100:80")), Scheduler: "rr", Netmask: 0xffffffff}
	in := func(at string, weight int32) ipvs.Destination {
		return ipvs.Destination{Addr: addr(at).Addr(), Port: addr(at).Port(), Weight: weight}
	}
	inhibited := edit(rs("10.9.0.13:80", 3), func(r *config.RealServer) { r.Inhibit = true })
	unchecked := edit(rs("10.9.0.14:80", 1), func(r *config.RealServer) { r.Checkers = nil })
	cfg := cfgOf(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1), inhibited, unchecked))
	s := begin(t, cfg, ipvs.Entry{Service: web, Destinations: []ipvs.Destination{in("10.9.0.11:80", 1), in("10.9.0.13:80", 0)}})
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 1
		  10.9.0.13:80 NAT 0
		  10.9.0.14:80 NAT 1
		`)
	for _, spec := range s.p.specs() {
		if soon := spec.Warmup == 0; !soon {
			t.Errorf("the first check of %s is not made at once", spec.Key)
		}
	}
	s.check("10.9.0.12:80", true)
	s.check("10.9.0.13:80", true)
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 1
		  10.9.0.12:80 NAT 1
		  10.9.0.13:80 NAT 3
		  10.9.0.14:80 NAT 1
		`)
}

func TestAdministration(t *testing.T) {
	cfg := cfgOf(edit(vs(rs("10.9.0.11:80", 3), rs("10.9.0.12:80", 2)), func(v *config.VirtualServer) {
		v.Sorry = &config.SorryServer{Addr: addr("10.9.0.18:80")}
	}))
	s := begin(t, cfg)
	admin := func(real string, to Admin, timeout time.Duration) {
		t.Helper()
		pl, rs, err := s.p.find("10.9.0.100:80", real)
		if err != nil {
			t.Fatal(err)
		}
		s.e = s.p.administer(pl, rs, to, timeout, epoch)
	}
	admin("10.9.0.11:80", Drain, 0)
	s.said("Draining service [10.9.0.11]:tcp:80 of VS [10.9.0.100]:tcp:80")
	drained := `
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 0
		  10.9.0.12:80 NAT 2
		`
	s.tables(drained)
	s.reload(cfg)
	s.tables(drained) // survives a reload
	s.check("10.9.0.11:80", false)
	s.check("10.9.0.11:80", true)
	s.tables(drained) // and a failure
	admin("[10.9.0.12]:tcp:80", Maint, 0)
	s.said(
		"Service [10.9.0.12]:tcp:80 of VS [10.9.0.100]:tcp:80 is in maintenance",
		"Lost quorum 1-0=1 > 0 for VS [10.9.0.100]:tcp:80",
		"Adding sorry server [10.9.0.18]:tcp:80 to VS [10.9.0.100]:tcp:80",
		"Removing alive servers from the pool for VS [10.9.0.100]:tcp:80",
	)
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 0
		  10.9.0.18:80 NAT 1
		`)
	admin("10.9.0.11:80", Ready, 0)
	admin("10.9.0.12:80", Drain, time.Minute)
	if got := s.p.deadline(); !got.Equal(epoch.Add(time.Second)) {
		t.Errorf("connections are counted next at %v, want after a second", got)
	}
	s.e = s.p.tick(epoch.Add(time.Minute))
	s.said("Time to drain service [10.9.0.12]:tcp:80 of VS [10.9.0.100]:tcp:80 is over")
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 3
		`)
	for _, wrong := range [][2]string{{"10.9.0.1:80", "10.9.0.11:80"}, {"10.9.0.100:80", "10.9.0.1:80"}} {
		if _, _, err := s.p.find(wrong[0], wrong[1]); err == nil {
			t.Errorf("find(%q, %q) finds something", wrong[0], wrong[1])
		}
	}
}

func TestSlowStart(t *testing.T) {
	s := begin(t, cfgOf(edit(vs(rs("10.9.0.11:80", 100), rs("10.9.0.12:80", 1)), func(v *config.VirtualServer) { v.SlowStart = 20 * time.Second })))
	weight := func(after time.Duration, want int32) {
		t.Helper()
		s.p.tick(epoch.Add(after))
		if got := s.p.table()[0].Destinations[0].Weight; got != want {
			t.Errorf("%v after it came back the weight is %d, want %d", after, got, want)
		}
	}
	weight(0, 100) // not at the start
	s.check("10.9.0.11:80", false)
	s.check("10.9.0.11:80", true)
	weight(0, 1)
	next := func(want time.Duration) {
		t.Helper()
		if got := s.p.deadline(); !got.Equal(epoch.Add(want)) {
			t.Errorf("the next step is at %v, want %v after it came back", got, want)
		}
	}
	weight(5*time.Second, 25)
	next(6 * time.Second)
	for i := range 8 { // what else happens puts nothing off
		s.p.health(healthcheck.Event{Key: "10.9.0.12:80/0", Up: i%2 == 0, Turned: true}, epoch.Add(5*time.Second+time.Duration(i)*300*time.Millisecond))
		next(6 * time.Second)
	}
	weight(20*time.Second, 100)
	if got := s.p.deadline(); !got.IsZero() {
		t.Errorf("there is another step at %v", got)
	}
}
