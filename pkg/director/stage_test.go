package director

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// vs is a virtual server at 10.9.0.100:80 with the given real servers.
func vs(servers ...*config.RealServer) *config.VirtualServer {
	return &config.VirtualServer{
		Addr: addr("10.9.0.100:80"), Protocol: config.TCP, Scheduler: "rr", Quorum: 1, RealServers: servers,
	}
}

// rs is a real server with a check, which the test drives.
func rs(at string, weight int) *config.RealServer {
	return &config.RealServer{Addr: addr(at), Weight: int32(weight), Timing: new(config.Timing), Checkers: []*config.Checker{{}}}
}

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func edit[T any](v *T, f func(*T)) *T { f(v); return v }

func cfgOf(servers ...*config.VirtualServer) *config.Config {
	return &config.Config{VirtualServers: servers}
}

// testChecks gives each checker of a real server a key such as "10.9.0.11:80/0".
func testChecks(vs *config.VirtualServer, rs *config.RealServer) []healthcheck.Spec {
	var specs []healthcheck.Spec
	for i, c := range rs.Checkers {
		key := rs.Addr.String() + "/" + string(rune('0'+i))
		if c.DelayLoop != 0 { // the test wants another definition
			key += "/" + c.DelayLoop.String()
		}
		if vs.FwMark != 0 || vs.Group != "" {
			key = serviceName(vs) + " " + key
		}
		specs = append(specs, healthcheck.Spec{
			Key: key, Ask: healthcheck.TCP{}, Alpha: c.Alpha || rs.Alpha || vs.Alpha, Timing: healthcheck.Timing{Warmup: c.Warmup},
		})
	}
	return specs
}

// stage is a policy with what it said last.
type stage struct {
	*testing.T
	p policy
	e effects
}

func begin(t *testing.T, cfg *config.Config, found ...ipvs.Entry) *stage {
	s := &stage{T: t}
	s.e = s.p.load(cfg, testChecks, found, epoch)
	s.p.begin(func(e effects) {
		s.e.lines, s.e.notes = append(s.e.lines, e.lines...), append(s.e.notes, e.notes...)
	})
	return s
}

func (s *stage) reload(cfg *config.Config) { s.e = s.p.load(cfg, testChecks, nil, epoch) }

func (s *stage) check(at string, up bool) {
	s.Helper()
	key := at + "/0"
	if _, ok := s.p.checks[key]; !ok {
		s.Fatalf("there is no check %s", key)
	}
	s.e = s.p.health(healthcheck.Event{Key: key, Up: up, First: true, Turned: true, Result: healthcheck.Result{OK: up, Reason: "connection refused"}}, epoch)
}

// said compares the last lines of the log.
func (s *stage) said(want ...string) {
	s.Helper()
	var got []string
	for _, l := range s.e.lines {
		got = append(got, l.text)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		s.Errorf("log (-want +got):\n%s", diff)
	}
}

// told compares the last notifications, as lines of a FIFO.
func (s *stage) told(want ...string) {
	s.Helper()
	var got []string
	for _, n := range s.e.notes {
		got = append(got, n.Line())
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		s.Errorf("notifications (-want +got):\n%s", diff)
	}
}

// tables compares the table with one line for each service and destination, as in
// "10.9.0.100:80/tcp rr" and "  10.9.0.11:80 NAT 1".
func (s *stage) tables(want string) {
	s.Helper()
	var b strings.Builder
	for _, e := range s.p.table() {
		b.WriteString(e.Key.String() + " " + e.Scheduler + "\n")
		for _, d := range e.Destinations {
			b.WriteString("  " + d.AddrPort().String() + " " + d.Method.String() + " " + strconv.Itoa(int(d.Weight)) + "\n")
		}
	}
	want = strings.TrimPrefix(strings.ReplaceAll(want, "\t", ""), "\n")
	if diff := cmp.Diff(want, b.String()); diff != "" {
		s.Errorf("table (-want +got):\n%s", diff)
	}
}
