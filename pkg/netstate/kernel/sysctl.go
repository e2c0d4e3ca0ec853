package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
)

// Sysctls changes kernel settings and can undo that.
type Sysctls struct {
	root string            // /proc/sys
	old  map[string]string // the value before our first change
}

// NewSysctls changes the settings of the namespace of the calling thread.
func NewSysctls() *Sysctls { return &Sysctls{root: "/proc/sys", old: map[string]string{}} }

// Set sets one value, given the words of its name: an interface name may hold
// dots. The value is only written if it is another one.
func (s *Sysctls) Set(value string, name ...string) error {
	path := filepath.Join(append([]string{s.root}, name...)...)
	old, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("set %s: %w", strings.Join(name, "/"), err)
	}
	was := strings.TrimSpace(string(old))
	if was == value {
		return nil
	}
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		return fmt.Errorf("set %s to %s: %w", strings.Join(name, "/"), value, err)
	}
	if _, known := s.old[path]; !known {
		s.old[path] = was
	}
	return nil
}

// Interface sets one value of an interface, name being that of the setting.
func (s *Sysctls) Interface(family, iface, name, value string) error {
	return s.Set(value, "net", family, "conf", iface, name)
}

// Restore puts back what was changed. Settings of interfaces that are gone are
// no error.
func (s *Sysctls) Restore() error {
	var errs []error
	for path, value := range s.old {
		if err := os.WriteFile(path, []byte(value), 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	clear(s.old)
	return errors.Join(errs...)
}

// Forwarding reports whether a host forwards IPv6 packets that come in by an
// interface, and so is a router to its neighbours.
func Forwarding(iface string) bool {
	b, err := os.ReadFile(filepath.Join("/proc/sys/net/ipv6/conf", iface, "forwarding"))
	return err == nil && strings.TrimSpace(string(b)) != "0"
}

// AcceptLocal makes the interface towards a host take packets that come from this
// machine's own addresses, which answers to our own packets are when that host
// has the same address. A strict filter of reverse paths would still drop them
// and is made a loose one. IPv6 knows no such rule.
func (s *Sysctls) AcceptLocal(towards netip.Addr) error {
	if towards.Is6() {
		return nil
	}
	routes, err := netlink.RouteGet(towards.AsSlice())
	if err != nil || len(routes) == 0 {
		return fmt.Errorf("route to %s: %w", towards, err)
	}
	link, err := netlink.LinkByIndex(routes[0].LinkIndex)
	if err != nil {
		return fmt.Errorf("interface towards %s: %w", towards, err)
	}
	name := link.Attrs().Name
	if s.reversePath("all") == "1" && s.reversePath(name) != "2" || s.reversePath(name) == "1" {
		if err := s.Interface("ipv4", name, "rp_filter", "2"); err != nil {
			return err
		}
	}
	return s.Interface("ipv4", name, "accept_local", "1")
}

// reversePath is the filter of an interface: the higher one of its own and that of
// all counts.
func (s *Sysctls) reversePath(iface string) string {
	b, _ := os.ReadFile(filepath.Join(s.root, "net/ipv4/conf", iface, "rp_filter"))
	return strings.TrimSpace(string(b))
}
