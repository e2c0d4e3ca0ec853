package vrrp_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

const (
	virtualVIP = "10.5.0.60" // of an instance with a virtual MAC
	virtualMAC = "vrrp.52"
	moreVIP    = "10.5.0.70" // which all routers have at times
)

// mishap is a network of three routers to which things happen, and what of each router
// decides who is to be master.
type mishap struct {
	*lan
	dice     *rand.Rand
	daemon   [3]*netlab.Daemon
	running  [3]bool
	linked   [3]bool
	priority [3]int
	grouped  bool     // in a sync group
	more     bool     // moreVIP is configured
	told     []string // what happened so far
}

// Whatever happens to three routers, and in whatever order: when it is over, each address
// is on the best router that can have it, alone, a client reaches it there, and nothing is
// left of daemons that were stopped. ACCIDENTS=n plays so many rounds, ACCIDENTS_SEED=n
// other ones.
func TestAccidents(t *testing.T) {
	t.Parallel()
	number := func(name string, value int) int {
		if s := os.Getenv(name); s != "" {
			var err error
			if value, err = strconv.Atoi(s); err != nil {
				t.Fatal(err)
			}
		}
		return value
	}
	rounds, seed := number("ACCIDENTS", 5), number("ACCIDENTS_SEED", 1)
	t.Logf("ACCIDENTS_SEED=%d", seed)
	m := &mishap{lan: newLAN(t), dice: rand.New(rand.NewPCG(uint64(seed), 0)), priority: [3]int{150, 120, 90}}
	m.grouped = seed%2 == 0
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("ACCIDENTS_SEED=%d:\n%s", seed, strings.Join(m.told, "\n"))
		}
	})
	for i := range m.daemon {
		m.daemon[i] = m.start(i, netlab.Holdfast(t), m.conf(i))
		m.running[i], m.linked[i] = true, true
	}
	m.ends()
	for range rounds {
		for range 1 + m.dice.IntN(3) {
			m.happen()
			m.wait(time.Duration(m.dice.IntN(600)) * time.Millisecond)
		}
		m.ends()
	}
	for i, d := range m.daemon {
		if m.running[i] {
			d.Stop()
		}
		for _, addr := range []string{vip, vip6, virtualVIP, moreVIP} {
			if m.r[i].Has(addr) {
				t.Errorf("r%d has %s after its daemon was stopped", i+1, addr)
			}
		}
		if m.r[i].Do(func() error { _, err := netlink.LinkByName(virtualMAC); return err }) == nil {
			t.Errorf("r%d has %s after its daemon was stopped", i+1, virtualMAC)
		}
	}
}

func (m *mishap) conf(i int) string {
	plain := router{name: "PLAIN", priority: m.priority[i], advert: "0.2", vips: vip + "/24"}
	if m.more {
		plain.vips += "\n" + moreVIP + "/24"
	}
	group := ""
	if m.grouped {
		group = "vrrp_sync_group ALL {\n group {\n PLAIN\n MAC\n SIX\n }\n}\n"
	}
	return fmt.Sprint(group, plain,
		router{name: "MAC", vrid: 52, priority: m.priority[i], advert: "0.2", vips: virtualVIP + "/24", extra: "use_vmac " + virtualMAC},
		router{name: "SIX", vrid: 53, priority: m.priority[i], advert: "0.2", vips: "fe80::5:53/64\n" + vip6 + "/64"},
	)
}

// reload gives a router its configuration, at its next start if it is not running.
func (m *mishap) reload(i int) {
	m.daemon[i].Write(globals + m.conf(i))
	if m.running[i] {
		m.daemon[i].Signal(syscall.SIGHUP)
	}
}

// happen lets one thing happen to one router.
func (m *mishap) happen() {
	i := m.dice.IntN(3)
	d := m.daemon[i]
	tell := func(format string, args ...any) {
		m.told = append(m.told, time.Now().Format("15:04:05.000")+fmt.Sprintf(" r%d ", i+1)+fmt.Sprintf(format, args...))
	}
	if !m.running[i] {
		tell("is started")
		d.Start()
		m.running[i] = true
		return
	}
	pause := func() { m.wait(time.Duration(m.dice.IntN(1500)) * time.Millisecond) }
	switch m.dice.IntN(11) {
	case 0:
		tell("is stopped")
		d.Stop()
		m.running[i] = false
	case 1:
		tell("crashes and comes back")
		d.Crash()
		pause()
		d.Start()
	case 2:
		tell("loses its VRRP process")
		if pid := d.RolePid("vrrp"); pid != 0 {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	case 3:
		tell("stands still")
		all := []int{d.Pid(), d.RolePid("vrrp")}
		m.signal(all, syscall.SIGSTOP)
		pause()
		m.signal(all, syscall.SIGCONT)
	case 4:
		m.priority[i] = m.freePriority()
		tell("gets priority %d", m.priority[i])
		m.reload(i)
	case 5:
		tell("reloads again and again")
		for range 5 {
			d.Signal(syscall.SIGHUP)
			m.wait(time.Duration(m.dice.IntN(100)) * time.Millisecond)
		}
	case 6:
		m.linked[i] = !m.linked[i]
		tell("is linked: %v", m.linked[i])
		if m.linked[i] {
			m.port[i].Plug()
		} else {
			m.port[i].Unplug()
		}
	case 7:
		if !m.linked[i] {
			return
		}
		tell("is not heard and hears nobody for a while")
		m.port[i].Block(true)
		pause()
		m.port[i].Block(false)
	case 8:
		tell("is robbed of its addresses")
		for _, a := range []string{vip + "/24", vip6 + "/64"} {
			_, _ = m.r[i].Command("ip", "addr", "del", a, "dev", "eth0")
		}
		_, _ = m.r[i].Command("ip", "addr", "del", virtualVIP+"/24", "dev", virtualMAC)
	case 9:
		tell("is robbed of %s", virtualMAC)
		_, _ = m.r[i].Command("ip", "link", "del", virtualMAC)
	case 10:
		m.more = !m.more
		tell("and all others are to have %s: %v", moreVIP, m.more)
		for i := range m.daemon {
			m.reload(i)
		}
	}
}

func (m *mishap) signal(pids []int, s syscall.Signal) {
	for _, pid := range pids {
		if pid != 0 {
			syscall.Kill(pid, s)
		}
	}
}

// freePriority is one that no router has: a tie would be for the addresses to decide.
func (m *mishap) freePriority() int {
	for {
		p := 1 + m.dice.IntN(254)
		if p != m.priority[0] && p != m.priority[1] && p != m.priority[2] {
			return p
		}
	}
}

// ends waits until all is as it should be, and checks that a client sees it so.
func (m *mishap) ends() {
	m.Helper()
	best := -1
	for i := range m.daemon {
		if m.running[i] && m.linked[i] && (best < 0 || m.priority[i] > m.priority[best]) {
			best = i
		}
	}
	if best < 0 {
		return
	}
	addrs := []string{virtualVIP, vip6, vip}
	if m.more {
		addrs = append(addrs, moreVIP)
	} else {
		m.Eventually(20*time.Second, moreVIP+" is removed", func() bool { return m.holders(moreVIP) == "" })
	}
	for _, addr := range addrs {
		m.only(20*time.Second, best, addr)
	}
	m.settles(20*time.Second, best, vip)
	for _, addr := range addrs {
		m.stays(10*time.Millisecond, best, addr)
		m.Eventually(3*time.Second, "the client reaches "+addr, func() bool {
			_, err := m.client.Command("ping", "-c", "1", "-W", "1", addr)
			return err == nil
		})
	}
	m.told = append(m.told, time.Now().Format("15:04:05.000")+fmt.Sprintf(" all on r%d", best+1))
}
