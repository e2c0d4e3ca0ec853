package bfd

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// frr is FRR's bfdd, with the zebra that it needs, in a namespace.
type frr struct {
	ns   *netlab.Namespace
	dir  string
	bfdd *netlab.Process
}

const frrConfig = `bfd
 peer 192.0.2.1 local-address 192.0.2.2
  detect-multiplier 40
  receive-interval 50
  transmit-interval 50
  no shutdown
 !
 peer 2001:db8::1 multihop local-address 2001:db8::2
  detect-multiplier 40
  receive-interval 50
  transmit-interval 50
  no shutdown
 !
!
`

func startFRR(t *testing.T, ns *netlab.Namespace) *frr {
	t.Helper()
	const home = "/usr/lib/frr/"
	if _, err := os.Stat(home + "bfdd"); err != nil {
		netlab.Lacks(t, "Debian package frr")
	}
	// The daemons give up root, so the directory must be open to them.
	dir, err := os.MkdirTemp("", "frr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	conf := filepath.Join(dir, "bfdd.conf")
	if err := errors.Join(os.Chmod(dir, 0o777), os.WriteFile(conf, []byte(frrConfig), 0o600), os.Chmod(conf, 0o644)); err != nil {
		t.Fatal(err)
	}
	f := &frr{ns: ns, dir: dir}
	f.start(home+"zebra", "-f", "/dev/null")
	f.bfdd = f.startBFD()
	return f
}

func (f *frr) start(program string, args ...string) *netlab.Process {
	name := filepath.Base(program)
	return f.ns.Start(filepath.Join(f.dir, name+".log"), program, append(args,
		"-u", "frr", "-g", "frr", "-i", filepath.Join(f.dir, name+".pid"),
		"-z", filepath.Join(f.dir, "zserv.api"), "--vty_socket", f.dir)...)
}

func (f *frr) startBFD() *netlab.Process {
	return f.start("/usr/lib/frr/bfdd", "--bfdctl", filepath.Join(f.dir, "bfdd.sock"), "-f", filepath.Join(f.dir, "bfdd.conf"))
}

// peers is what bfdd says of its sessions, each with its status.
func (f *frr) peers() string {
	out, _ := f.ns.Command("vtysh", "--vty_socket", f.dir, "-c", "show bfd peers")
	return out
}

// TestFRR holds sessions with FRR's bfdd: both ends see them up, each sees when
// the other is gone, and FRR learns that we left on purpose.
func TestFRR(t *testing.T) {
	netlab.Require(t)
	if _, err := exec.LookPath("vtysh"); err != nil {
		netlab.Lacks(t, "Debian package frr")
	}
	l := netlab.New(t)
	a, b := l.Namespace("a"), l.Namespace("b")
	sw := l.Switch("lan")
	sw.Connect(a, "eth0", "192.0.2.1/24", "2001:db8::1/64")
	sw.Connect(b, "eth0", "192.0.2.2/24", "2001:db8::2/64")
	f := startFRR(t, b)

	single, multi := session("192.0.2.1", "192.0.2.2"), session("2001:db8::1", "2001:db8::2")
	single.Name, multi.Name, multi.Multihop, multi.MaxHops = "single", "multi", true, -1
	r := run(t, l, a, single, multi)
	count := func(text string) (n int) {
		for _, e := range r.log.All() {
			if strings.Contains(e.Message, text) {
				n++
			}
		}
		return n
	}
	// in reports whether it is the last state of a session that was logged.
	in := func(name, state string) bool {
		last := ""
		for _, e := range r.log.All() {
			if strings.HasPrefix(e.Message, "("+name+") Entering ") {
				last = e.Message
			}
		}
		return strings.Contains(last, "Entering "+state+" state")
	}
	up := func() {
		t.Helper()
		l.Eventually(20*time.Second, "both ends see both sessions up", func() bool {
			return in("single", "Up") && in("multi", "Up") && strings.Count(f.peers(), "Status: up") == 2
		})
	}
	up()

	f.bfdd.Signal(syscall.SIGKILL)
	l.Eventually(10*time.Second, "the loss of FRR is noticed", func() bool {
		return count("Expired after 2000 ms") >= 2 && count("Entering Down state (Local diagnostic - Control Detection Time Expired") >= 2 &&
			in("single", "Down") && in("multi", "Down")
	})
	f.bfdd.Wait(5 * time.Second)
	f.bfdd = f.startBFD()
	up()

	r.stop()
	l.Eventually(5*time.Second, "FRR learns that we left on purpose", func() bool {
		out := f.peers()
		return strings.Count(out, "Status: down") == 2 && strings.Count(out, "Remote diagnostics: administratively down") == 2
	})
}
