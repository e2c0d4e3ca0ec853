// Package host tells the configuration's reader about the machine it runs on:
// interfaces, accounts, programs, names.
package host

import (
	"context"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/healthcheck/dialogue"
	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/osthread"
)

// resolveLimit bounds how long the address of a mail server is looked for.
const resolveLimit = 5 * time.Second

// Env returns the machine as a configuration sees it. Interfaces are listed
// when the first one is asked for, and not again.
func Env() *config.Env {
	name, _ := os.Hostname()
	links := sync.OnceValue(interfaces)
	return &config.Env{
		Hostname: name,
		Regex: func(pattern string, options []string) error {
			return dialogue.CheckRegex(healthcheck.Regex{Pattern: pattern, Options: options})
		},
		CPUs: runtime.NumCPU(),
		Path: filepath.SplitList(searchPath()),
		Link: func(name string) (config.Link, bool) {
			l, ok := links()[name]
			return l, ok
		},
		VMAC:        privateMACVLAN,
		Namespace:   namespace,
		User:        lookupUser,
		Group:       lookupGroup,
		ResolveHost: resolve,
		Stat:        func(path string) (config.FileInfo, bool) { return info(os.Stat(path)) },
		Lstat: func(path string) (config.FileInfo, bool) {
			f, ok := info(os.Lstat(path))
			if ok && f.Mode&fs.ModeSymlink != 0 {
				f.Link, _ = os.Readlink(path)
			}
			return f, ok
		},
		ReadFile: func(path string) (string, bool) {
			b, err := os.ReadFile(path)
			return string(b), err == nil
		},
	}
}

func searchPath() string {
	if p := os.Getenv("PATH"); p != "" {
		return p
	}
	return "/usr/local/bin:/usr/bin:/bin"
}

func interfaces() map[string]config.Link {
	links := make(map[string]config.Link)
	all, err := net.Interfaces()
	if err != nil {
		return links
	}
	for _, i := range all {
		l := config.Link{Index: i.Index, Loopback: i.Flags&net.FlagLoopback != 0}
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			switch {
			case err != nil:
			case p.Addr().Is4() && !l.Addr4.IsValid():
				l.Addr4 = p.Addr()
			case p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() && !l.LinkLocal.IsValid():
				l.LinkLocal = p.Addr()
			}
		}
		links[i.Name] = l
	}
	return links
}

// namespace lists the interfaces of a network namespace.
func namespace(name string) (func(string) (config.Link, bool), bool) {
	ns, err := netns.GetFromName(name)
	if err != nil {
		return nil, false
	}
	defer ns.Close()
	var links map[string]config.Link
	osthread.Do(func() {
		if netns.Set(ns) == nil {
			links = interfaces()
		}
	})
	return func(name string) (config.Link, bool) {
		l, ok := links[name]
		return l, ok
	}, links != nil
}

// privateMACVLAN reports whether an interface is such as use_vmac makes.
func privateMACVLAN(name string) bool {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return false
	}
	m, ok := l.(*netlink.Macvlan)
	return ok && m.Mode == netlink.MACVLAN_MODE_PRIVATE
}

func lookupUser(name string) (uid, gid uint32, ok bool) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, 0, false
	}
	return number(u.Uid), number(u.Gid), true
}

func lookupGroup(name string) (uint32, bool) {
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, false
	}
	return number(g.Gid), true
}

func number(s string) uint32 {
	n, _ := strconv.ParseUint(s, 10, 32)
	return uint32(n)
}

func resolve(name string) (netip.Addr, bool) {
	if strings.ContainsAny(name, " \t") {
		return netip.Addr{}, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveLimit)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil || len(addrs) == 0 {
		return netip.Addr{}, false
	}
	for _, a := range addrs { // IPv4 first, as most resolvers are configured
		if a.Unmap().Is4() {
			return a.Unmap(), true
		}
	}
	return addrs[0], true
}

func info(f fs.FileInfo, err error) (config.FileInfo, bool) {
	if err != nil {
		return config.FileInfo{}, false
	}
	i := config.FileInfo{Mode: f.Mode()}
	if s, ok := f.Sys().(*syscall.Stat_t); ok {
		i.UID, i.GID = s.Uid, s.Gid
	}
	return i, true
}
