package netlab

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// IPVSWatch sees every request that any process makes to IPVS in a namespace.
type IPVSWatch struct {
	capture *Capture
	family  uint16 // of IPVS in generic netlink
	from    int    // frames before are forgotten
}

// WatchIPVS starts watching, through a netlink monitor interface. The kernel must have
// the module nlmon, as the guest's has.
func (n *Namespace) WatchIPVS() *IPVSWatch {
	n.lab.Helper()
	family, err := n.genlFamily("IPVS")
	if err != nil {
		n.lab.Fatalf("%s: %v", n.Name, err)
	}
	n.AddLink(&netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Name: "nlmon0"}, LinkType: "nlmon"})
	return &IPVSWatch{capture: n.Capture("nlmon0"), family: family}
}

func (n *Namespace) genlFamily(name string) (id uint16, err error) {
	err = n.Do(func() error {
		f, err := netlink.GenlFamilyGet(name)
		if err == nil {
			id = f.ID
		}
		return err
	})
	return id, err
}

// ipvsCommands are the names of <linux/ip_vs.h>, in their order from 1.
var ipvsCommands = []string{
	"new service", "set service", "del service", "get service",
	"new dest", "set dest", "del dest", "get dest",
	"new daemon", "del daemon", "get daemon",
	"set config", "get config", "set info", "get info", "zero", "flush",
}

// IPVSCommands counts requests by their kind.
type IPVSCommands map[string]int

// Edits are the requests that change something.
func (c IPVSCommands) Edits() IPVSCommands {
	out := IPVSCommands{}
	for name, n := range c {
		if !strings.HasPrefix(name, "get ") {
			out[name] = n
		}
	}
	return out
}

// String is a sorted list, as in "1 new dest, 1 set dest".
func (c IPVSCommands) String() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		out = append(out, fmt.Sprintf("%d %s", c[name], name))
	}
	return strings.Join(out, ", ")
}

// Reset forgets what has been seen.
func (w *IPVSWatch) Reset() { w.from = len(w.capture.Frames()) }

// Commands counts the requests since the last Reset.
func (w *IPVSWatch) Commands() IPVSCommands {
	out := IPVSCommands{}
	w.each(func(name string, _ time.Time, _ []byte) { out[name]++ })
	return out
}

// Removed is when the first request since the last Reset was made to delete a destination
// with this address; zero is not yet.
func (w *IPVSWatch) Removed(destination netip.Addr) (first time.Time) {
	w.each(func(name string, at time.Time, message []byte) {
		if name == "del dest" && first.IsZero() && bytes.Contains(message, destination.AsSlice()) {
			first = at
		}
	})
	return first
}

// each goes through the requests since the last Reset.
func (w *IPVSWatch) each(visit func(name string, at time.Time, message []byte)) {
	for _, f := range w.capture.Frames()[w.from:] {
		for b := f.Data; len(b) >= unix.NLMSG_HDRLEN+4; {
			size := int(binary.NativeEndian.Uint32(b))
			kind, flags := binary.NativeEndian.Uint16(b[4:]), binary.NativeEndian.Uint16(b[6:])
			if size < unix.NLMSG_HDRLEN || size > len(b) {
				break
			}
			command := int(b[unix.NLMSG_HDRLEN])
			if kind == w.family && flags&unix.NLM_F_REQUEST != 0 && command >= 1 && command <= len(ipvsCommands) {
				visit(ipvsCommands[command-1], f.At, b[:size])
			}
			b = b[min(len(b), (size+3)&^3):]
		}
	}
}
