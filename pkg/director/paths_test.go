package director

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

// viaVIP is a real server whose check takes IPVS's way.
func viaVIP(at string, kind config.Kind) *config.RealServer {
	return &config.RealServer{
		Addr: addr(at), Weight: 1, Method: config.Method{Kind: kind},
		Checkers: []*config.Checker{{ViaVIP: true, Target: addr("10.9.0.100:80")}},
	}
}

func TestMarksOfPathsStayTheSame(t *testing.T) {
	one, two := viaVIP("10.9.0.11:80", config.DR), viaVIP("10.9.0.12:80", config.TUN)
	before := pathsOf(cfgOf(vs(one, two)))
	if len(before) != 2 || before[pathOf(one)] == before[pathOf(two)] {
		t.Fatalf("marks %v", before)
	}
	for name, cfg := range map[string]*config.Config{
		"another order":           cfgOf(vs(two, one)),
		"another server":          cfgOf(vs(viaVIP("10.9.0.13:80", config.DR), one, two)),
		"another service as well": cfgOf(vs(one, two), edit(vs(one), func(v *config.VirtualServer) { v.Addr = addr("10.9.0.100:81") })),
	} {
		for p, m := range pathsOf(cfg) {
			if before[p] != 0 && before[p] != m {
				t.Errorf("%s: %v has the mark %#x, had %#x", name, p, m, before[p])
			}
		}
	}
	taken := before[pathOf(one)]
	user := edit(vs(rs("10.9.0.19:80", 1)), func(v *config.VirtualServer) { v.FwMark = taken })
	if got := pathsOf(cfgOf(vs(one), user))[pathOf(one)]; got == taken || got == 0 {
		t.Errorf("the mark %#x of a service of the configuration was taken", got)
	}
	if got := pathsOf(cfgOf(vs(rs("10.9.0.11:80", 1)))); len(got) != 0 {
		t.Errorf("marks of checks that go straight: %v", got)
	}
}

func TestPathsComeAndGoWithTheirChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		with := cfgOf(vs(viaVIP("10.9.0.11:80", config.DR)))
		k := ipvstest.New()
		g := launch(t, k, with)
		ways := func() (n int) {
			table, err := k.Read(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range table {
				if e.FWMark == 0 {
					continue
				}
				n++
				if d := e.Destinations; len(d) != 1 || d[0].Method != ipvs.DirectRoute || d[0].Weight != 1 || d[0].Port != 0 {
					t.Errorf("the way has %+v", d)
				}
			}
			return n
		}
		if ways() != 1 || g.set["accept_local towards 10.9.0.11"] != "1" {
			t.Errorf("%d ways, parameters %v", ways(), g.set)
		}
		g.reload <- cfgOf(vs(rs("10.9.0.11:80", 1)))
		synctest.Wait()
		if ways() != 0 {
			t.Error("a way is left without its check")
		}
		g.reload <- with
		synctest.Wait()
		if ways() != 1 {
			t.Error("no way after the check has come back")
		}
		g.end()
		if left, _ := k.Read(t.Context(), nil); len(left) != 0 {
			t.Errorf("left at the end: %v", left)
		}
		for _, l := range g.logs.All() {
			if strings.Contains(l.Message, "another program") {
				t.Errorf("our own change is taken for somebody else's: %s", l.Message)
			}
		}
	})
}
