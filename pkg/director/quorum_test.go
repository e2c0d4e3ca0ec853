package director

import (
	"testing"

	"github.com/holdfast-lb/holdfast/pkg/config"
)

// The expected lines, notifications and tables below are keepalived's for the same
// configurations and events, except where a test says otherwise.

func TestSorryServer(t *testing.T) {
	s := begin(t, cfgOf(edit(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1)), func(v *config.VirtualServer) {
		v.Sorry = &config.SorryServer{Addr: addr("10.9.0.18:8080")}
	})))
	s.said("Gained quorum 1+0=1 <= 2 for VS [10.9.0.100]:tcp:80")
	s.told("VS [10.9.0.100]:tcp:80 UP")
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 1
		  10.9.0.12:80 NAT 1
		`)
	s.check("10.9.0.12:80", false)
	s.said("Removing service [10.9.0.12]:tcp:80 from VS [10.9.0.100]:tcp:80")
	s.told("RS [10.9.0.12]:tcp:80 [10.9.0.100]:tcp:80 DOWN")
	s.check("10.9.0.11:80", false)
	s.said(
		"Removing service [10.9.0.11]:tcp:80 from VS [10.9.0.100]:tcp:80",
		"Lost quorum 1-0=1 > 0 for VS [10.9.0.100]:tcp:80",
		"Adding sorry server [10.9.0.18]:tcp:8080 to VS [10.9.0.100]:tcp:80",
		"Removing alive servers from the pool for VS [10.9.0.100]:tcp:80",
	)
	s.told("RS [10.9.0.11]:tcp:80 [10.9.0.100]:tcp:80 DOWN", "VS [10.9.0.100]:tcp:80 DOWN")
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.18:8080 NAT 1
		`)
	s.check("10.9.0.11:80", true)
	s.said(
		"Adding service [10.9.0.11]:tcp:80 to VS [10.9.0.100]:tcp:80",
		"Gained quorum 1+0=1 <= 1 for VS [10.9.0.100]:tcp:80",
		"Removing sorry server [10.9.0.18]:tcp:8080 from VS [10.9.0.100]:tcp:80",
		"Adding alive servers to the pool for VS [10.9.0.100]:tcp:80",
	)
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 1
		`)
}

func TestQuorumWithHysteresis(t *testing.T) {
	cfg := cfgOf(edit(vs(rs("10.9.0.11:80", 2), rs("10.9.0.12:80", 1), edit(rs("10.9.0.13:80", 1), func(r *config.RealServer) { r.Alpha = true })),
		func(v *config.VirtualServer) {
			v.Quorum, v.Hysteresis = 3, 1
			v.Sorry = &config.SorryServer{Addr: addr("10.9.0.18:80")}
		}))
	s := begin(t, cfg)
	s.said(
		"Starting with quorum down 3-1=4 > 3 for VS [10.9.0.100]:tcp:80",
		"Adding sorry server [10.9.0.18]:tcp:80 to VS [10.9.0.100]:tcp:80",
		"Removing alive servers from the pool for VS [10.9.0.100]:tcp:80",
	)
	s.told("VS [10.9.0.100]:tcp:80 DOWN")
	s.check("10.9.0.13:80", true)
	s.told("RS [10.9.0.13]:tcp:80 [10.9.0.100]:tcp:80 UP", "VS [10.9.0.100]:tcp:80 UP")
	s.check("10.9.0.13:80", false)
	s.said("Removing service [10.9.0.13]:tcp:80 from VS [10.9.0.100]:tcp:80")
	s.check("10.9.0.12:80", false) // 2 is not below 3-1
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 2
		`)
	s.check("10.9.0.11:80", false)
	s.check("10.9.0.12:80", true)
	s.check("10.9.0.11:80", true) // 3 is below 3+1
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.18:80 NAT 1
		`)
}

// A virtual server that starts without its quorum, and has no sorry server, has lost nothing.
func TestStartWithoutQuorumIsNoNews(t *testing.T) {
	alpha := func(r *config.RealServer) { r.Alpha = true }
	s := begin(t, cfgOf(vs(edit(rs("10.9.0.11:80", 1), alpha))))
	s.told()
	s.check("10.9.0.11:80", true)
	s.said(
		"Adding service [10.9.0.11]:tcp:80 to VS [10.9.0.100]:tcp:80",
		"Gained quorum 1+0=1 <= 1 for VS [10.9.0.100]:tcp:80",
	)
	s.told("RS [10.9.0.11]:tcp:80 [10.9.0.100]:tcp:80 UP", "VS [10.9.0.100]:tcp:80 UP")
}

// A quorum of 0 is what the configuration's checks make of weights that are all 0.
func TestNoWeightIsNoQuorum(t *testing.T) {
	withoutWeight := func(v *config.VirtualServer) {
		v.Quorum, v.Sorry = 0, &config.SorryServer{Addr: addr("10.9.0.18:80")}
	}
	s := begin(t, cfgOf(edit(vs(rs("10.9.0.11:80", 0), rs("10.9.0.12:80", 0)), withoutWeight)))
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.18:80 NAT 1
		`)
	s.told("VS [10.9.0.100]:tcp:80 DOWN")
	s.reload(cfgOf(edit(vs(rs("10.9.0.11:80", 3), rs("10.9.0.12:80", 0)), func(v *config.VirtualServer) { withoutWeight(v); v.Quorum = 1 })))
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 3
		  10.9.0.12:80 NAT 0
		`)
	s.told("VS [10.9.0.100]:tcp:80 UP")
}

func TestSorryServerThatIsARealServer(t *testing.T) {
	for _, inhibit := range []bool{false, true} {
		with := func(r *config.RealServer) { r.Inhibit = inhibit }
		s := begin(t, cfgOf(edit(vs(edit(rs("10.9.0.11:80", 5), with), edit(rs("10.9.0.12:80", 3), with)), func(v *config.VirtualServer) {
			v.Sorry = &config.SorryServer{Addr: addr("10.9.0.11:80")}
		})))
		s.check("10.9.0.11:80", false)
		s.check("10.9.0.12:80", false)
		want := `
			10.9.0.100:80/tcp rr
			  10.9.0.11:80 NAT 1
			`
		if inhibit {
			want = `
			10.9.0.100:80/tcp rr
			  10.9.0.12:80 NAT 0
			  10.9.0.11:80 NAT 1
			`
		}
		s.tables(want)
		s.check("10.9.0.11:80", true)
		s.check("10.9.0.12:80", true)
		s.tables(`
			10.9.0.100:80/tcp rr
			  10.9.0.11:80 NAT 5
			  10.9.0.12:80 NAT 3
			`)
	}
}

func TestPanic(t *testing.T) {
	for _, tt := range []struct {
		action config.PanicAction
		want   string
	}{
		{config.PanicSorry, "  10.9.0.18:80 NAT 1\n"},
		{config.PanicKeepLast, "  10.9.0.12:80 NAT 1\n  10.9.0.13:80 NAT 1\n"},
		{config.PanicAll, "  10.9.0.11:80 NAT 1\n  10.9.0.12:80 NAT 1\n  10.9.0.13:80 NAT 1\n"},
	} {
		s := begin(t, cfgOf(edit(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1), rs("10.9.0.13:80", 1)), func(v *config.VirtualServer) {
			v.MinUp, v.OnPanic = 50, tt.action
			v.Sorry = &config.SorryServer{Addr: addr("10.9.0.18:80")}
		})))
		s.check("10.9.0.11:80", false)
		s.tables("10.9.0.100:80/tcp rr\n  10.9.0.12:80 NAT 1\n  10.9.0.13:80 NAT 1\n")
		s.check("10.9.0.12:80", false)
		s.tables("10.9.0.100:80/tcp rr\n" + tt.want)
		s.check("10.9.0.12:80", true)
		s.tables("10.9.0.100:80/tcp rr\n  10.9.0.12:80 NAT 1\n  10.9.0.13:80 NAT 1\n")
	}
}
