package director

import (
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config"
)

func TestReload(t *testing.T) {
	inhibited := func(r *config.RealServer) { r.Inhibit = true }
	s := begin(t, cfgOf(vs(
		rs("10.9.0.11:80", 5),
		edit(rs("10.9.0.14:80", 3), inhibited),
		edit(rs("10.9.0.15:80", 1), inhibited),
		rs("10.9.0.16:80", 1),
	)))
	s.check("10.9.0.14:80", false)
	s.check("10.9.0.15:80", false)
	s.reload(cfgOf(vs(
		rs("10.9.0.11:80", 6),
		edit(rs("10.9.0.14:80", 4), inhibited),
		edit(rs("10.9.0.12:80", 1), func(r *config.RealServer) { r.Alpha = true }),
		rs("10.9.0.13:80", 2),
	)))
	s.said(
		"Changing weight from 5 to 6 for active service [10.9.0.11]:tcp:80 of VS [10.9.0.100]:tcp:80",
		"Changing weight from 3 to 4 for inactive service [10.9.0.14]:tcp:80 of VS [10.9.0.100]:tcp:80",
		"service [10.9.0.15]:tcp:80 no longer exist",
		"Removing (inhibited) service [10.9.0.15]:tcp:80 from VS [10.9.0.100]:tcp:80",
		"service [10.9.0.16]:tcp:80 no longer exist",
		"Removing service [10.9.0.16]:tcp:80 from VS [10.9.0.100]:tcp:80",
	)
	s.told("RS [10.9.0.16]:tcp:80 [10.9.0.100]:tcp:80 DOWN")
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 6
		  10.9.0.14:80 NAT 0
		  10.9.0.13:80 NAT 2
		`)
	s.reload(cfgOf(edit(vs(rs("10.9.0.11:80", 6)), func(v *config.VirtualServer) { v.Addr = addr("10.9.0.101:80") })))
	s.said(
		"Gained quorum 1+0=1 <= 6 for VS [10.9.0.101]:tcp:80",
		"Removing Virtual Server [10.9.0.100]:tcp:80",
		"Removing service [10.9.0.11]:tcp:80 from VS [10.9.0.100]:tcp:80",
		"Removing service [10.9.0.13]:tcp:80 from VS [10.9.0.100]:tcp:80",
	)
	s.told(
		"VS [10.9.0.101]:tcp:80 UP",
		"RS [10.9.0.11]:tcp:80 [10.9.0.100]:tcp:80 DOWN",
		"RS [10.9.0.13]:tcp:80 [10.9.0.100]:tcp:80 DOWN",
		"VS [10.9.0.100]:tcp:80 DOWN",
	)
}

func TestReloadKeepsWhatIsKnown(t *testing.T) {
	other := func(r *config.RealServer) { r.Checkers[0].DelayLoop, r.Checkers[0].Warmup = time.Minute, time.Minute }
	s := begin(t, cfgOf(vs(rs("10.9.0.11:80", 1), rs("10.9.0.12:80", 1), rs("10.9.0.13:80", 1))))
	s.check("10.9.0.11:80", false)
	s.check("10.9.0.12:80", false)
	s.reload(cfgOf(vs(edit(rs("10.9.0.12:80", 1), other), rs("10.9.0.13:80", 1), rs("10.9.0.11:80", 1))))
	s.said() // neither a new check nor another order revives a server
	if w := s.p.checks["10.9.0.12:80/0/1m0s"].check.spec.Warmup; w != 0 {
		t.Errorf("a new check of a server that is down waits up to %v", w)
	}
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.13:80 NAT 1
		`)
	s.reload(cfgOf(vs(rs("10.9.0.13:80", 1), edit(rs("10.9.0.11:80", 1), func(r *config.RealServer) { r.Checkers = nil }))))
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.13:80 NAT 1
		  10.9.0.11:80 NAT 1
		`)
}

func TestReloadOfTheSorryServer(t *testing.T) {
	sorry := func(at string) *config.Config {
		return cfgOf(edit(vs(rs("10.9.0.11:80", 1)), func(v *config.VirtualServer) {
			if at != "" {
				v.Sorry = &config.SorryServer{Addr: addr(at)}
			}
		}))
	}
	s := begin(t, sorry("10.9.0.18:80"))
	s.check("10.9.0.11:80", false)
	s.reload(sorry("10.9.0.17:80"))
	s.said(
		"Removing sorry server [10.9.0.18]:tcp:80 from VS [10.9.0.100]:tcp:80",
		"Adding sorry server [10.9.0.17]:tcp:80 to VS [10.9.0.100]:tcp:80",
	)
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.17:80 NAT 1
		`)
	s.reload(sorry(""))
	s.said("Removing sorry server [10.9.0.17]:tcp:80 from VS [10.9.0.100]:tcp:80")
	s.tables("\n10.9.0.100:80/tcp rr\n")
}
