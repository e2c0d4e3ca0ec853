// Package kernel looks at this machine and changes it for pkg/realserver.
package kernel

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/realserver"
)

// RecordFile remembers what was changed, until the next boot undoes it anyway.
const RecordFile = "/run/holdfast/realserver.json"

// Read looks at this machine, the namespace of the calling thread.
func Read() (realserver.State, error) {
	s := realserver.State{
		Links:     make(map[string]bool),
		Addresses: make(map[netip.Addr]string),
		Sysctls:   make(map[string]string),
	}
	links, err := netlink.LinkList()
	if err != nil {
		return s, fmt.Errorf("list interfaces: %w", err)
	}
	names := make(map[int]string, len(links))
	for _, l := range links {
		a := l.Attrs()
		names[a.Index] = a.Name
		s.Links[a.Name] = a.Flags&net.FlagUp != 0
	}
	addrs, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return s, fmt.Errorf("list addresses: %w", err)
	}
	for _, a := range addrs {
		if ip, ok := netip.AddrFromSlice(a.IP); ok {
			s.Addresses[ip.Unmap()] = names[a.LinkIndex]
		}
	}
	for _, name := range realserver.SysctlNames() {
		if b, err := os.ReadFile(filepath.Join("/proc/sys", name)); err == nil {
			s.Sysctls[name] = strings.TrimSpace(string(b))
		}
	}
	return s, nil
}

// Do carries out steps up to the first that fails, and returns those done.
func Do(steps []realserver.Step) ([]realserver.Step, error) {
	for i, s := range steps {
		if err := one(s); err != nil {
			return steps[:i], fmt.Errorf("%s: %w", s.Command(), err)
		}
	}
	return steps, nil
}

func one(s realserver.Step) error {
	switch s.Verb {
	case realserver.LoadModule:
		if out, err := exec.Command("modprobe", s.Name).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
		}
		return nil
	case realserver.SetSysctl:
		return os.WriteFile(filepath.Join("/proc/sys", s.Name), []byte(s.Value), 0)
	}
	link, err := netlink.LinkByName(s.Device)
	if err != nil {
		return err
	}
	switch s.Verb {
	case realserver.SetLinkUp:
		return netlink.LinkSetUp(link)
	case realserver.SetLinkDown:
		return netlink.LinkSetDown(link)
	}
	addr := &netlink.Addr{
		IPNet:     &net.IPNet{IP: s.Address.AsSlice(), Mask: net.CIDRMask(s.Address.BitLen(), s.Address.BitLen())},
		Broadcast: net.IPv4zero, // none, rather than one that the library invents
	}
	if s.Address.Is6() {
		addr.Broadcast = nil
		addr.Flags = unix.IFA_F_NODAD // several backends have it, on purpose
	}
	if s.Verb == realserver.AddAddress {
		err = netlink.AddrAdd(link, addr)
		if errors.Is(err, unix.EEXIST) {
			return nil
		}
		return err
	}
	err = netlink.AddrDel(link, addr)
	if errors.Is(err, unix.EADDRNOTAVAIL) {
		return nil
	}
	return err
}

// Load reads the record at path; a missing one is empty.
func Load(path string) (realserver.Record, error) {
	var r realserver.Record
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r, nil
	case err != nil:
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// Save writes the record at path, or removes it when nothing is left to undo.
func Save(path string, r realserver.Record) error {
	if len(r.Added) == 0 && len(r.Sysctls) == 0 && len(r.Raised) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
