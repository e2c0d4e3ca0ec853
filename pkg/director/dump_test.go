package director

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDump(t *testing.T) {
	cfg := cfgOf(vs(rs("10.9.0.11:80", 2), rs("10.9.0.12:80", 1)))
	s := begin(t, cfg)
	s.check("10.9.0.12:80", false)
	_, got, found := strings.Cut(dumpText(cfg, s.p.pools), "quorum_state_up = 1\n")
	if !found {
		t.Fatal("no quorum is dumped")
	}
	const want = `   reloaded = 0
   ------< Real server >------
   RIP = 10.9.0.11, RPORT = 80, WEIGHT = 2 EFF WEIGHT = 2
   forwarding method = NAT
   Alpha is OFF
   connection timeout = 5.000000
   connection limit range = 0 -> 0
   Delay loop = 60.000000
   Inhibit on failure is OFF
   Using smtp notification = yes
   initial weight = 2
   effective weight = 2
   previous effective_weight = 0
   alive = 1
   num failed checkers = 0
   RS set = 1
   reloaded = 0
   ------< Real server >------
   RIP = 10.9.0.12, RPORT = 80, WEIGHT = 1 EFF WEIGHT = 1
   forwarding method = NAT
   Alpha is OFF
   connection timeout = 5.000000
   connection limit range = 0 -> 0
   Delay loop = 60.000000
   Inhibit on failure is OFF
   Using smtp notification = yes
   initial weight = 1
   effective weight = 1
   previous effective_weight = 0
   alive = 0
   num failed checkers = 1
   RS set = 0
   reloaded = 0
------< Health checkers >------
 [10.9.0.100]:tcp:80 -> [10.9.0.11]:tcp:80
   Alive = yes
   Last transition = 1767225600.000000 (Thu Jan  1 00:00:00 2026)
   Administrative state = ready
   Keepalive method = TCP_CHECK
     Enabled = yes
     Up = yes
     Current weight = 0
 [10.9.0.100]:tcp:80 -> [10.9.0.12]:tcp:80
   Alive = no
   Last transition = 1767225600.000000 (Thu Jan  1 00:00:00 2026)
   Administrative state = ready
   Reason = TCP_CHECK: connection refused
   Keepalive method = TCP_CHECK
     Enabled = yes
     Up = no
     Current weight = 0
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dump (-want +got):\n%s", diff)
	}
}
