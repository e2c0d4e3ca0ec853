package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
