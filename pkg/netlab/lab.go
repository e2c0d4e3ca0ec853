package netlab

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/moby/ipvs"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/osthread"
)

// T is what the lab uses of a testing.TB. Programs such as the demonstration bring their
// own.
type T interface {
	Helper()
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Cleanup(func())
	TempDir() string
}

// Lab is a small network that lives as long as its test. Its namespaces have no names
// outside, so labs of many processes cannot collide, and nothing is left of them.
type Lab struct {
	T
	Dir string // for configuration, pid files and logs of the lab's daemons

	mu    sync.Mutex
	ports int // for the names of switch ports
}

// New starts an empty lab. Tests call [Require] before.
func New(t T) *Lab {
	return &Lab{T: t, Dir: t.TempDir()}
}

// Namespace is a host of the lab: a network namespace with loopback up.
type Namespace struct {
	Name string
	lab  *Lab
	fd   netns.NsHandle
	nl   *netlink.Handle
	ipvs *ipvs.Handle // nil before it is needed
}

// Namespace makes a host. IPv6 duplicate address detection is off, so that addresses
// work at once.
func (l *Lab) Namespace(name string) *Namespace {
	l.Helper()
	n := &Namespace{Name: name, lab: l}
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		fd, err := netns.Get()
		if err != nil {
			return err
		}
		n.fd = fd
		if n.nl, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
			return err
		}
		return loopbackUp()
	})
	if err != nil {
		l.Fatalf("namespace %s: %v", name, err)
	}
	l.Cleanup(func() {
		n.nl.Close()
		n.fd.Close()
	})
	for _, which := range []string{"all", "default"} {
		n.Sysctl("net/ipv6/conf/"+which+"/accept_dad", "0")
		n.Sysctl("net/ipv6/conf/"+which+"/accept_ra", "0")
		n.Sysctl("net/ipv4/conf/"+which+"/rp_filter", "0")
	}
	return n
}

// Namespaces makes several hosts.
func (l *Lab) Namespaces(names ...string) map[string]*Namespace {
	l.Helper()
	out := make(map[string]*Namespace, len(names))
	for _, name := range names {
		out[name] = l.Namespace(name)
	}
	return out
}

// onThread runs fn on an operating system thread of its own, which ends afterwards: fn
// may change what belongs to its thread, such as the network namespace. Sockets and
// processes made by fn keep that namespace.
func onThread(fn func() error) error {
	err := fmt.Errorf("the function did not return")
	osthread.Do(func() { err = fn() })
	return err
}

// Do runs fn on a thread inside the namespace and returns its error. What fn starts with
// the go statement runs outside.
func (n *Namespace) Do(fn func() error) error {
	return onThread(func() error {
		if err := netns.Set(n.fd); err != nil {
			return fmt.Errorf("enter namespace %s: %w", n.Name, err)
		}
		return fn()
	})
}

// Netlink is a handle inside the namespace.
func (n *Namespace) Netlink() *netlink.Handle { return n.nl }

// Sysctl sets /proc/sys/KEY of the namespace, with slashes in the key.
func (n *Namespace) Sysctl(key, value string) {
	n.lab.Helper()
	err := n.Do(func() error {
		// Not /proc/self: that is the process's first thread, in another namespace.
		return os.WriteFile("/proc/sys/"+key, []byte(value), 0)
	})
	if err != nil {
		n.lab.Fatalf("%s: %v", n.Name, err)
	}
}

// patience is how many times longer than it should take something is waited for: a machine
// that builds and tests other things besides may be that slow.
const patience = 3

// Eventually polls until cond holds, and ends the test if that takes several times as long
// as it should. It returns how long it took, for those whose subject that is.
func (l *Lab) Eventually(within time.Duration, what string, cond func() bool) time.Duration {
	l.Helper()
	took, ok := Poll(patience*within, cond)
	if !ok {
		l.Fatalf("%s: not within %v", what, patience*within)
	}
	return took
}

// Never polls for the whole time, and ends the test when cond holds.
func (l *Lab) Never(during time.Duration, what string, cond func() bool) {
	l.Helper()
	if took, ok := Poll(during, cond); ok {
		l.Fatalf("%s after %v", what, took)
	}
}

// longestWait is the most that one wait between two looks of Poll counts for: who waits
// longer for a tick stood still, as did, most likely, who is waited for.
const longestWait = time.Second

// Poll asks cond every 5 milliseconds, and less often later, until it holds or the time is
// over, and returns how long that took. Time in which the machine stands still is not
// counted, and the last look is after the end.
func Poll(within time.Duration, cond func() bool) (took time.Duration, ok bool) {
	start := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	left := within
	for i := 0; ; i++ {
		if i == 100 { // a guest has one processor, and what is awaited needs it too
			tick.Reset(20 * time.Millisecond)
		}
		looks := time.Now()
		if cond() {
			return time.Since(start), true
		}
		if left < 0 {
			return within, false
		}
		waits := time.Now()
		<-tick.C
		left -= waits.Sub(looks) + min(time.Since(waits), longestWait)
	}
}
