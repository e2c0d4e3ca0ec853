// Package kernel collects the facts that pkg/doctor judges.
package kernel

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/pkg/doctor"
)

// Facts looks at this machine. sockets has for each role where its control socket may be.
func Facts(ctx context.Context, sockets map[string][]string) (doctor.Facts, error) {
	f := doctor.Facts{
		Root:       os.Geteuid() == 0,
		Sysctls:    make(map[string]string),
		Interfaces: make(map[string]doctor.Interface),
		Roles:      make(map[string]bool, len(sockets)),
	}
	_, err := os.Stat("/proc/net/ip_vs")
	f.IPVS = err == nil
	for _, name := range doctor.SysctlNames() {
		if b, err := os.ReadFile(filepath.Join("/proc/sys", name)); err == nil {
			f.Sysctls[name] = strings.TrimSpace(string(b))
		}
	}
	for role, paths := range sockets {
		f.Roles[role] = slices.ContainsFunc(paths, func(path string) bool { return answers(ctx, path) })
	}
	f.Keepalived = processes("keepalived")
	return f, interfaces(f.Interfaces)
}

func answers(ctx context.Context, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	c, err := control.Dial(ctx, path)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func interfaces(into map[string]doctor.Interface) error {
	list, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, i := range list {
		d := doctor.Interface{Up: i.Flags&net.FlagUp != 0 && i.Flags&net.FlagRunning != 0}
		addrs, err := i.Addrs()
		if err != nil {
			return err
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				d.Addresses = append(d.Addresses, p.Addr())
			}
		}
		into[i.Name] = d
	}
	return nil
}

// processes are the first processes of each program instance with that
// executable name in our namespace: those whose parent is another program.
func processes(name string) []int {
	var out []int
	own, _ := os.Readlink("/proc/thread-self/ns/net")
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		exe, err := os.Readlink(filepath.Join(dir, "exe"))
		if err != nil || filepath.Base(exe) != name {
			continue
		}
		if ns, err := os.Readlink(filepath.Join(dir, "ns/net")); err != nil || ns != own {
			continue
		}
		parent, _ := os.Readlink(filepath.Join("/proc", parentOf(dir), "exe"))
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil && filepath.Base(parent) != name {
			out = append(out, pid)
		}
	}
	return out
}

// parentOf reads the fourth field of stat, which follows the name in brackets.
func parentOf(dir string) string {
	b, _ := os.ReadFile(filepath.Join(dir, "stat"))
	_, rest, _ := strings.Cut(string(b), ") ")
	if f := strings.Fields(rest); len(f) > 1 {
		return f[1]
	}
	return "0"
}
