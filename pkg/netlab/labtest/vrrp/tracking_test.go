package vrrp_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// Each kind of tracker takes the address away from the master when what it tracks fails,
// by fault or by weight, and gives it back afterwards.
func TestTrackers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		before     string // definitions; FILE is a file of the test, PROGRAM a program of its own
		track      string // lines of the first instance
		fail, heal func(*tracked)
		oursOnly   bool // keepalived needs a kernel with process events
	}{
		{
			"script without weight",
			"vrrp_script chk {\n script \"FILE.sh\"\n interval 1\n fall 1\n rise 1\n }", "track_script {\n chk\n }",
			(*tracked).removeFlag, (*tracked).makeFlag, false,
		},
		{
			"script with weight",
			"vrrp_script chk {\n script \"FILE.sh\"\n interval 1\n weight -100\n fall 1\n rise 1\n }", "track_script {\n chk\n }",
			(*tracked).removeFlag, (*tracked).makeFlag, false,
		},
		{
			"interface without weight",
			"", "track_interface {\n eth1\n }",
			func(s *tracked) { s.l.port1[0].Unplug() }, func(s *tracked) { s.l.port1[0].Plug() }, false,
		},
		{
			"interface with weight",
			"", "track_interface {\n eth1 weight -100\n }",
			func(s *tracked) { s.l.port1[0].Unplug() }, func(s *tracked) { s.l.port1[0].Plug() }, false,
		},
		{
			"interface of an excluded address",
			"", "virtual_ipaddress_excluded {\n 10.6.0.50/24 dev eth1\n }",
			func(s *tracked) { s.l.port1[0].Unplug() }, func(s *tracked) { s.l.port1[0].Plug() }, false,
		},
		{
			"interface of a route",
			"", "virtual_routes {\n 10.77.0.0/16 via 10.6.0.3 dev eth1\n }",
			func(s *tracked) { s.l.port1[0].Unplug() }, func(s *tracked) { s.l.port1[0].Plug() }, false,
		},
		{
			"file without weight",
			"vrrp_track_file f {\n file FILE\n weight 0\n }", "track_file {\n f\n }",
			func(s *tracked) { s.write("1") }, func(s *tracked) { s.write("0") }, false,
		},
		{
			"file with weight",
			"vrrp_track_file f {\n file FILE\n weight 1\n }", "track_file {\n f\n }",
			func(s *tracked) { s.write("-100") }, func(s *tracked) { s.write("0") }, false,
		},
		{
			"process",
			"vrrp_track_process p {\n process PROGRAM\n weight 0\n }", "track_process {\n p\n }",
			(*tracked).stopProgram, (*tracked).startProgram, true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			run := mixed
			if tt.oursOnly {
				run = ours
			}
			run(t, func(t *testing.T, l *lan, bin [2]string) {
				s := newTracked(t, l)
				before := s.fill(tt.before)
				l.start(0, bin[0], before, "\n", router{priority: 150, extra: tt.track})
				l.only(8*time.Second, 0, vip)
				l.join(1, bin[1], router{priority: 100})
				tt.fail(s)
				l.only(8*time.Second, 1, vip)
				tt.heal(s)
				l.settles(10*time.Second, 0, vip)
			})
		})
	}
}

// A BFD session with a neighbour counts like any other tracker: down is a fault, or a
// loss of priority.
func TestTrackBFD(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, weight string }{{"without weight", ""}, {"with weight", "weight -100"}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mixed(t, func(t *testing.T, l *lan, bin [2]string) {
				session := func(me, other int) string {
					return fmt.Sprintf("bfd_instance gw {\n neighbor_ip 10.6.0.%d\n source_ip 10.6.0.%d\n min_rx 100\n min_tx 100\n multiplier 10\n }\n", other, me)
				}
				neighbour := l.r[2].Daemon(netlab.Holdfast(t), globals+session(3, 1))
				first := l.r[0].Daemon(bin[0], globals+session(1, 3)+router{priority: 150, extra: "track_bfd {\n gw " + tt.weight + "\n }"}.String())
				first.WaitLog(10*time.Second, `\(gw\) Entering Up state`) // until then a weight counts against it
				l.only(15*time.Second, 0, vip)
				l.join(1, bin[1], router{priority: 100})
				l.stays(time.Second, 0, vip)
				neighbour.Crash()
				l.only(10*time.Second, 1, vip)
				neighbour.Start()
				l.settles(20*time.Second, 0, vip)
				first.Stop()
			})
		})
	}
}

// tracked is what the trackers of a test look at.
type tracked struct {
	t       *testing.T
	l       *lan
	file    string
	program string
	running *netlab.Process
}

func newTracked(t *testing.T, l *lan) *tracked {
	t.Helper()
	// Scripts must be in a directory that nobody else can write to.
	dir, err := os.MkdirTemp("/root", "holdfast-lab-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &tracked{t: t, l: l, file: filepath.Join(dir, "track"), program: filepath.Join(dir, fmt.Sprintf("prog%d", time.Now().UnixNano()%1e9))}
	s.write("0")
	s.makeFlag()
	s.must(os.WriteFile(s.file+".sh", []byte("#!/bin/sh\ntest -e "+s.file+".flag\n"), 0o700))
	sleep, err := os.ReadFile("/usr/bin/sleep")
	s.must(err)
	s.must(os.WriteFile(s.program, sleep, 0o700))
	s.startProgram()
	return s
}

func (s *tracked) fill(conf string) string {
	return strings.NewReplacer("FILE", s.file, "PROGRAM", s.program).Replace(conf)
}

func (s *tracked) write(value string) {
	s.t.Helper()
	s.must(os.WriteFile(s.file, []byte(value+"\n"), 0o600))
}

func (s *tracked) makeFlag()   { s.must(os.WriteFile(s.file+".flag", nil, 0o600)) }
func (s *tracked) removeFlag() { s.must(os.Remove(s.file + ".flag")) }

func (s *tracked) startProgram() { s.running = s.l.client.Start(s.file+".log", s.program, "1000") }

func (s *tracked) stopProgram() {
	s.running.Signal(9)
	s.running.Wait(5 * time.Second)
}

func (s *tracked) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// The instances of a sync group stay together, whichever of them fails.
func TestSyncGroup(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		const other = "10.6.0.50"
		conf := func(priority int) []any {
			return []any{
				"vrrp_sync_group G {\n group {\n A\n B\n }\n }\n",
				router{name: "A", priority: priority},
				"\n",
				router{name: "B", vrid: 52, priority: priority, dev: "eth1", vips: other + "/24"},
			}
		}
		both := func(i int, addrs ...string) {
			t.Helper()
			for _, a := range []string{vip, other} {
				l.only(8*time.Second, i, a)
			}
		}
		first := l.start(0, bin[0], conf(150)...)
		l.start(1, bin[1], conf(100)...)
		both(0)
		l.port1[0].Unplug()
		both(1)
		l.port1[0].Plug()
		both(0)
		l.port[0].Unplug()
		both(1)
		l.port[0].Plug()
		both(0)
		first.Stop()
		both(1)
	})
}

// Excluded addresses, routes and rules come and go with the mastership.
func TestAddressesRoutesRules(t *testing.T) {
	t.Parallel()
	mixed(t, func(t *testing.T, l *lan, bin [2]string) {
		extra := `virtual_ipaddress_excluded {
        10.5.0.60/24
        fd05::60/64
    }
    virtual_routes {
        10.77.0.0/16 via 10.5.0.100 dev eth0
        10.78.0.0/16 via 10.5.0.100 dev eth0 table 100
    }
    virtual_rules {
        from 10.79.0.0/16 table 100
    }`
		first, _ := pair(l, bin, extra)
		state := func(i int) string {
			r := l.r[i]
			var out []string
			for _, a := range []string{vip, "10.5.0.60", "fd05::60"} {
				if r.Has(a) {
					out = append(out, a)
				}
			}
			text := r.Run("ip", "route", "show", "table", "all") + r.Run("ip", "rule")
			for _, want := range []string{"10.77.0.0/16 via 10.5.0.100 dev eth0", "10.78.0.0/16 via 10.5.0.100 dev eth0 table 100", "from 10.79.0.0/16 lookup 100"} {
				if strings.Contains(text, want) {
					out = append(out, want)
				}
			}
			return strings.Join(out, "; ")
		}
		const all = vip + "; 10.5.0.60; fd05::60; 10.77.0.0/16 via 10.5.0.100 dev eth0; 10.78.0.0/16 via 10.5.0.100 dev eth0 table 100; from 10.79.0.0/16 lookup 100"
		where := func(master int) {
			t.Helper()
			l.Eventually(5*time.Second, fmt.Sprintf("everything is on r%d alone", master+1), func() bool {
				return state(master) == all && state(1-master) == ""
			})
		}
		where(0)
		l.Eventually(5*time.Second, "it advertises", func() bool { return len(l.adverts(0, time.Time{})) > 0 })
		if a := l.adverts(0, time.Time{}); a[0].Count != 1 {
			t.Errorf("%d addresses are in the adverts, want one: the others are excluded", a[0].Count)
		}
		first.Stop()
		where(1)
	})
}
