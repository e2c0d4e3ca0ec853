// Package doctor looks for what keeps a configuration from working on this
// machine although it is correct: kernel settings, missing modules, interfaces
// that are down, another daemon in the way. It only judges facts;
// doctor/kernel collects them.
package doctor

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/holdfast-lb/holdfast/pkg/config"
)

// Facts is what a diagnosis needs to know of the machine.
type Facts struct {
	Root       bool
	IPVS       bool              // the kernel has IPVS
	Sysctls    map[string]string // by name with slashes, below /proc/sys; absent: not in this kernel
	Interfaces map[string]Interface
	Keepalived []int           // process numbers of a running keepalived
	Roles      map[string]bool // our roles; true: answers on its control socket
}

// Interface is one network interface.
type Interface struct {
	Up        bool // administratively, and with carrier
	Addresses []netip.Addr
}

// Level is how much a finding matters.
type Level string

// The levels.
const (
	Problem Level = "problem" // it will not work
	Advice  Level = "advice"  // it works, but not as most would want
	Fine    Level = "ok"
)

// Finding is one thing to tell the operator.
type Finding struct {
	Level Level  `json:"level"`
	ID    string `json:"id"`
	Text  string `json:"text"`          // what is so
	Why   string `json:"why,omitempty"` // what comes of it
	Fix   string `json:"fix,omitempty"` // a command, or what to do
}

// Diagnose judges the machine against the configuration: problems first.
func Diagnose(c *config.Config, f Facts) []Finding {
	d := diagnosis{c: c, f: f}
	d.process()
	d.interfaces()
	if c.HasCheckers() {
		d.ipvs()
	}
	rank := map[Level]int{Problem: 0, Advice: 1, Fine: 2}
	slices.SortStableFunc(d.out, func(a, b Finding) int { return rank[a.Level] - rank[b.Level] })
	return d.out
}

type diagnosis struct {
	c   *config.Config
	f   Facts
	out []Finding
}

func (d *diagnosis) say(level Level, id, text, why, fix string) {
	d.out = append(d.out, Finding{Level: level, ID: id, Text: text, Why: why, Fix: fix})
}

func (d *diagnosis) process() {
	if !d.f.Root {
		d.say(Problem, "not-root", "not running as root", "addresses and IPVS tables can only be changed by root", "run this as root")
	}
	for _, pid := range d.f.Keepalived {
		d.say(Problem, "keepalived-running", fmt.Sprintf("keepalived is running as process %d", pid),
			"two daemons would fight over the same addresses and tables", "systemctl disable --now keepalived")
	}
	roles := []struct {
		name   string
		needed bool
	}{{"vrrp", d.c.HasVRRP()}, {"checkers", d.c.HasCheckers()}, {"bfd", d.c.HasBFD()}}
	for _, r := range roles {
		answers, known := d.f.Roles[r.name]
		switch {
		case !r.needed || !known:
		case answers:
			d.say(Fine, "role-"+r.name, "the "+r.name+" role answers", "", "")
		default:
			d.say(Advice, "role-"+r.name, "the "+r.name+" role does not answer", "the daemon is not running, or not with this configuration", "systemctl status holdfast")
		}
	}
}

// interfaces looks at those that instances run on and track.
func (d *diagnosis) interfaces() {
	for _, v := range d.c.Instances {
		if v.Interface == "" {
			continue
		}
		i, ok := d.f.Interfaces[v.Interface]
		family := func(a netip.Addr) bool { return a.Is6() == v.IPv6 && (!v.IPv6 || a.IsLinkLocalUnicast()) }
		switch {
		case !ok:
			d.say(Problem, "interface-missing", fmt.Sprintf("%s: interface %s does not exist", v.Name, v.Interface),
				"the instance stays in FAULT", "correct the name, or create the interface")
		case !i.Up:
			d.say(Problem, "interface-down", fmt.Sprintf("%s: interface %s is down", v.Name, v.Interface),
				"the instance stays in FAULT", "ip link set "+v.Interface+" up")
		case v.Unicast || v.SrcIP.IsValid():
		case !slices.ContainsFunc(i.Addresses, family):
			d.say(Problem, "interface-no-address", fmt.Sprintf("%s: interface %s has no address to send adverts from", v.Name, v.Interface),
				"the instance stays in FAULT", "give the interface an address of the instance's family")
		}
	}
}

func (d *diagnosis) ipvs() {
	if !d.f.IPVS {
		d.say(Problem, "no-ipvs", "the kernel has no IPVS", "no virtual server can work", "modprobe ip_vs")
		return
	}
	d.forwarding()
	d.expiry()
	d.setting("net/ipv4/vs/conntrack", "1", d.any(func(v *config.VirtualServer) bool { return v.Method.FullNAT }),
		"connections of IPVS are not tracked", "source NAT of FULLNAT does not see them", "conntrack-off")
}

// any reports whether a virtual server is of some kind.
func (d *diagnosis) any(f func(*config.VirtualServer) bool) bool {
	return slices.ContainsFunc(d.c.VirtualServers, f)
}

func (d *diagnosis) forwarding() {
	nat := func(v6 bool) bool {
		return d.any(func(v *config.VirtualServer) bool {
			return v.IPv6 == v6 && slices.ContainsFunc(v.RealServers, func(r *config.RealServer) bool { return r.Method.Kind == config.NAT })
		})
	}
	const why = "the answers of backends behind NAT are dropped here"
	d.setting("net/ipv4/ip_forward", "1", nat(false), "IPv4 forwarding is off", why, "no-forwarding")
	d.setting("net/ipv6/conf/all/forwarding", "1", nat(true), "IPv6 forwarding is off", why, "no-forwarding6")
}

// expiry explains what becomes of the connections of a server that is gone.
func (d *diagnosis) expiry() {
	persistent := d.any(func(v *config.VirtualServer) bool { return v.Persistence > 0 })
	stuck := d.any(func(v *config.VirtualServer) bool {
		deaf := slices.ContainsFunc(v.RealServers, func(r *config.RealServer) bool { return r.Method.Kind != config.NAT })
		return (v.Protocol == config.UDP || v.Persistence > 0 || deaf) && v.ExpireConns != config.True
	})
	d.advise("net/ipv4/vs/expire_nodest_conn", "1", stuck,
		"connections to a removed server are kept until they time out",
		"packets of these clients are dropped meanwhile: UDP and persistent clients see the outage for minutes, "+
			"and with DR and TUN new connections fail that happen to come from a port of the last minute; "+
			"with 1, or with expire_connections in the virtual server, their next packet goes to another server", "expire-nodest-conn")
	d.advise("net/ipv4/vs/expire_quiescent_template", "1", persistent,
		"clients stay with a server of weight 0 while their persistence lasts",
		"draining a server, or inhibit_on_failure, does not move persistent clients; with 1 their next connection goes to another server",
		"expire-quiescent-template")
}

// setting is a problem when a needed setting has another value.
func (d *diagnosis) setting(name, want string, needed bool, text, why, id string) {
	d.judge(Problem, name, want, needed, text, why, id)
}

func (d *diagnosis) advise(name, want string, needed bool, text, why, id string) {
	d.judge(Advice, name, want, needed, text, why, id)
}

func (d *diagnosis) judge(level Level, name, want string, needed bool, text, why, id string) {
	have, known := d.f.Sysctls[name]
	if !needed || !known {
		return
	}
	if have == want {
		d.say(Fine, id, dotted(name)+" is "+have, "", "")
		return
	}
	d.say(level, id, fmt.Sprintf("%s (%s is %s)", text, dotted(name), have), why, "sysctl -w "+dotted(name)+"="+want)
}

func dotted(name string) string {
	b := []byte(name)
	for i := range b {
		if b[i] == '/' {
			b[i] = '.'
		}
	}
	return string(b)
}

// SysctlNames are the settings that [Facts] should have.
func SysctlNames() []string {
	return []string{
		"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/ipv4/vs/conntrack",
		"net/ipv4/vs/expire_nodest_conn", "net/ipv4/vs/expire_quiescent_template",
	}
}
