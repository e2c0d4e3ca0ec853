// Package realserver prepares a backend for direct routing and tunnelling: it
// must accept packets for the virtual address without ever saying on the
// network that it has it. The package decides what has to change;
// realserver/kernel looks and acts.
package realserver

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Method is how the director sends packets here.
type Method uint8

// The methods that need something of the backend; NAT does not.
const (
	DR  Method = iota // the address goes on the loopback interface
	TUN               // the address goes on the tunnel interface
)

// Device is the interface that carries a virtual address.
func (m Method) Device(vip netip.Addr) string {
	switch {
	case m == DR:
		return "lo"
	case vip.Is4():
		return "tunl0"
	}
	return "ip6tnl0"
}

// State is what the package needs to know of the machine.
type State struct {
	Links     map[string]bool       // existing interfaces; true: up
	Addresses map[netip.Addr]string // addresses and their interfaces
	Sysctls   map[string]string     // by name with slashes, below /proc/sys
}

// Verb is the kind of a step.
type Verb uint8

// The verbs.
const (
	LoadModule  Verb = iota + 1 // Name
	SetSysctl                   // Name, Value
	SetLinkUp                   // Device
	SetLinkDown                 // Device
	AddAddress                  // Address on Device
	DelAddress                  // Address from Device
)

// Step is one change.
type Step struct {
	Verb    Verb
	Device  string
	Address netip.Addr
	Name    string
	Value   string
}

// Command is the step as an administrator would type it.
func (s Step) Command() string {
	switch s.Verb {
	case LoadModule:
		return "modprobe " + s.Name
	case SetSysctl:
		return "sysctl -w " + strings.ReplaceAll(s.Name, "/", ".") + "=" + s.Value
	case SetLinkUp:
		return "ip link set " + s.Device + " up"
	case SetLinkDown:
		return "ip link set " + s.Device + " down"
	case AddAddress:
		return "ip addr add " + s.prefix() + " dev " + s.Device
	default:
		return "ip addr del " + s.prefix() + " dev " + s.Device
	}
}

func (s Step) prefix() string {
	return netip.PrefixFrom(s.Address, s.Address.BitLen()).String()
}

// setting is one kernel setting and what is wrong without it.
type setting struct {
	name  string
	least string // smallest value that serves; the values are one digit
	why   string
}

// Settings of conf/all hold for every interface, since the kernel takes the
// larger of the two for each of these. IPv6 answers for addresses of the
// asked interface only, so that nothing need be silenced there.
var silence = []setting{
	{"net/ipv4/conf/all/arp_ignore", "1", "this machine answers ARP for the virtual address, so clients may bypass the director"},
	{"net/ipv4/conf/all/arp_announce", "2", "this machine uses the virtual address in its own ARP requests, so neighbours may learn it as its own"},
}

// tunnelFilter is loose because a packet out of the tunnel comes from a client
// that is reached through another interface.
var tunnelFilter = setting{
	"net/ipv4/conf/tunl0/rp_filter", "2", "the kernel drops the packets that come out of the tunnel (reverse path filter)",
}

// settings are those that the addresses need.
func settings(vips []netip.Addr, m Method) []setting {
	if !slices.ContainsFunc(vips, netip.Addr.Is4) {
		return nil
	}
	if m == TUN {
		return append(slices.Clip(silence), tunnelFilter)
	}
	return silence
}

// modules has the driver of each tunnel interface.
var modules = map[string]string{"tunl0": "ipip", "ip6tnl0": "ip6_tunnel"}

// devices are the interfaces for the addresses, in order, once each.
func devices(vips []netip.Addr, m Method) []string {
	var out []string
	for _, v := range vips {
		if d := m.Device(v); !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}

// Up returns the steps that let this machine serve the addresses. Settings
// come first: an address must never be on an interface while it would be
// announced. What is right already is left alone.
func Up(vips []netip.Addr, m Method, have State) []Step {
	var steps []Step
	for _, d := range devices(vips, m) {
		if _, ok := have.Links[d]; !ok && modules[d] != "" {
			steps = append(steps, Step{Verb: LoadModule, Name: modules[d]})
		}
	}
	for _, s := range settings(vips, m) {
		if have.Sysctls[s.name] < s.least {
			steps = append(steps, Step{Verb: SetSysctl, Name: s.name, Value: s.least})
		}
	}
	for _, d := range devices(vips, m) {
		if !have.Links[d] {
			steps = append(steps, Step{Verb: SetLinkUp, Device: d})
		}
	}
	for _, v := range vips {
		if _, ok := have.Addresses[v]; !ok {
			steps = append(steps, Step{Verb: AddAddress, Device: m.Device(v), Address: v})
		}
	}
	return steps
}

// Record is what [Up] changed on a machine, so that it can be undone.
type Record struct {
	Added   []netip.Addr      `json:"added"`   // addresses that were not there before
	Sysctls map[string]string `json:"sysctls"` // settings and their former values
	Raised  []string          `json:"raised"`  // interfaces that were down or absent
}

// Note adds steps that were done to a machine that was as have says.
func (r *Record) Note(steps []Step, have State) {
	for _, s := range steps {
		switch s.Verb {
		case AddAddress:
			r.Added = append(r.Added, s.Address)
		case SetLinkUp:
			r.Raised = append(r.Raised, s.Device)
		case SetSysctl:
			if r.Sysctls == nil {
				r.Sysctls = make(map[string]string)
			}
			if _, known := r.Sysctls[s.Name]; !known && have.Sysctls[s.Name] != "" {
				r.Sysctls[s.Name] = have.Sysctls[s.Name]
			}
		}
	}
}

// Down returns the steps that take addresses away again and what remains to
// be undone later. With the last address go the settings, but an address that
// [Up] did not add stays.
func Down(vips []netip.Addr, have State, r Record) ([]Step, Record) {
	var steps []Step
	var left Record
	for _, a := range r.Added {
		dev, present := have.Addresses[a]
		switch {
		case !slices.Contains(vips, a):
			left.Added = append(left.Added, a)
		case present:
			steps = append(steps, Step{Verb: DelAddress, Device: dev, Address: a})
		}
	}
	if len(left.Added) > 0 {
		left.Sysctls, left.Raised = r.Sysctls, r.Raised
		return steps, left
	}
	for _, d := range r.Raised {
		if have.Links[d] && d != "lo" {
			steps = append(steps, Step{Verb: SetLinkDown, Device: d})
		}
	}
	for _, name := range sorted(r.Sysctls) {
		if have.Sysctls[name] != r.Sysctls[name] {
			steps = append(steps, Step{Verb: SetSysctl, Name: name, Value: r.Sysctls[name]})
		}
	}
	return steps, Record{}
}

func sorted(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Check says in an operator's words what keeps this machine from serving the
// addresses, with the command that mends it.
func Check(vips []netip.Addr, m Method, have State) []string {
	var out []string
	say := func(s Step, format string, args ...any) {
		out = append(out, fmt.Sprintf(format, args...)+": "+s.Command())
	}
	for _, v := range vips {
		want := m.Device(v)
		switch dev, ok := have.Addresses[v]; {
		case !ok:
			say(Step{Verb: AddAddress, Device: want, Address: v}, "%s is not on this machine, so packets for it are dropped", v)
		case dev != want && dev != "lo" && !strings.HasPrefix(dev, "dummy"):
			out = append(out, fmt.Sprintf("%s is on %s, where this machine answers for it; it belongs on %s", v, dev, want))
		}
	}
	for _, d := range devices(vips, m) {
		if up, ok := have.Links[d]; !ok {
			say(Step{Verb: LoadModule, Name: modules[d]}, "%s does not exist", d)
		} else if !up {
			say(Step{Verb: SetLinkUp, Device: d}, "%s is down", d)
		}
	}
	for _, s := range settings(vips, m) {
		if have.Sysctls[s.name] < s.least {
			say(Step{Verb: SetSysctl, Name: s.name, Value: s.least}, "%s", s.why)
		}
	}
	return out
}

// SysctlNames are the settings that a [State] needs to have.
func SysctlNames() []string {
	names := []string{tunnelFilter.name}
	for _, s := range silence {
		names = append(names, s.name)
	}
	return names
}
