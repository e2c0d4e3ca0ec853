package router

import (
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/vrrp/packet"
)

// dataText is the state dump for people.
func (r *role) dataText() string {
	var b strings.Builder
	b.WriteString(r.cfg.GlobalText(config.VRRP))
	b.WriteString("------< VRRP Topology >------\n")
	for _, i := range r.instances {
		r.dataOf(&b, i)
	}
	if len(r.cfg.SyncGroups) > 0 {
		b.WriteString("------< VRRP Sync groups >------\n")
	}
	for _, e := range r.everyElection() {
		if e.group == nil {
			continue
		}
		fmt.Fprintf(&b, " VRRP Sync Group = %s, %v\n   VRRP member instances :\n", e.group.Name, e.state())
		for _, i := range e.members {
			fmt.Fprintf(&b, "     %s\n", i.cfg.Name)
		}
	}
	r.dataOfTrackers(&b)
	r.dataOfInterfaces(&b)
	return b.String()
}

func (r *role) dataOf(b *strings.Builder, i *instance) {
	c, st := i.cfg, i.status()
	line := func(format string, args ...any) { fmt.Fprintf(b, "   "+format+"\n", args...) }
	fmt.Fprintf(b, " VRRP Instance = %s\n", c.Name)
	line("VRRP Version = %d", c.Version)
	if i.election.group != nil {
		line("Sync group = %s", i.election.group.Name)
	}
	line("State = %v", i.election.state())
	line("Wantstate = %v", i.election.state())
	if len(i.reasons) > 0 {
		line("Faults = %s", strings.Join(namesOf(i.reasons), ", "))
	}
	line("Last transition = %s", dumpTime(i.lastMove))
	if st.Master.IsValid() {
		line("Master router = %v", st.Master)
	}
	line("Interface = %s", c.Interface)
	if i.virtual != nil {
		line("Use %s, interface %s", i.virtual.kind, i.own.Name)
	}
	from := ""
	if c.SrcIP.IsValid() {
		from = " (from configuration)"
	}
	line("Using src_ip = %v%s", i.source, from)
	if !c.Unicast {
		line("Multicast address %v", c.McastDst)
	}
	r.dataOfTimers(line, c)
	line("Virtual Router ID = %d", c.VRID)
	line("Priority = %d", c.Priority)
	line("Effective priority = %d", st.Priority)
	line("Total priority = %d", int(c.Priority)+i.weight)
	if c.Version == 2 {
		line("Advert interval = %d sec", int(c.AdvertInt.Seconds()))
	} else {
		line("Advert interval = %d milli-sec", c.AdvertInt.Milliseconds())
	}
	line("Accept = %s", enabled(c.Accept))
	line("Preempt = %s", enabled(c.Preempt))
	if c.PreemptDelay > 0 {
		line("Preempt delay = %g secs", c.PreemptDelay.Seconds())
	}
	line("Promote_secondaries = %s", enabled(c.PromoteSecondaries))
	line("Authentication type = %s", map[packet.AuthType]string{
		packet.AuthNone: "none", packet.AuthPass: "SIMPLE_PASSWORD", packet.AuthAH: "IPSEC_AH",
	}[packet.AuthType(c.Auth.Type)])
	r.dataOfAddresses(b, i)
	if c.Unicast {
		line("Unicast TTL = %d", c.UnicastTTL)
		line("Check unicast src : %s", yes(c.CheckUnicastSrc))
		line("Unicast Peer :")
		for n, p := range c.UnicastPeers {
			line("  %v min_ttl %d max_ttl %d", p.Addr, i.checker.Rules.Peers[n].MinTTL, i.checker.Rules.Peers[n].MaxTTL)
		}
	}
	line("Using smtp notification = %s", yes(c.SMTPAlert))
	line("Notify deleted = %s", map[bool]string{true: "Deleted", false: "Fault"}[c.NotifyDeleted])
	line("Notify priority changes = %v", c.NotifyPriorityChanges)
}

func (r *role) dataOfTimers(line func(string, ...any), c *config.Instance) {
	g := c.GARP
	line("Gratuitous ARP delay = %g", g.MasterDelay.Seconds())
	line("Gratuitous ARP repeat = %d", g.MasterRepeat)
	line("Gratuitous ARP refresh = %g", g.Refresh.Seconds())
	line("Gratuitous ARP refresh repeat = %d", g.RefreshRepeat)
	line("Gratuitous ARP lower priority delay = %g", g.LowerPrioDelay.Seconds())
	line("Gratuitous ARP lower priority repeat = %d", g.LowerPrioRepeat)
	line("Down timer adverts = %d", c.DownAdverts)
	line("Send advert after receive lower priority advert = %v", !c.LowerPrioNoAdvert)
	line("Send advert after receive higher priority advert = %v", c.HigherPrioSendAdvert)
}

func (r *role) dataOfAddresses(b *strings.Builder, i *instance) {
	for _, list := range []struct {
		title    string
		count    int
		excluded bool
	}{{"Virtual IP", len(i.cfg.VIPs), false}, {"Virtual IP Excluded", len(i.cfg.ExcludedVIPs), true}} {
		if list.count == 0 && list.excluded {
			continue
		}
		fmt.Fprintf(b, "   %s (%d):\n", list.title, list.count)
		for n := range list.count {
			fmt.Fprintf(b, "     %s\n", r.describe(i, n, list.excluded))
		}
	}
	if len(i.want.Routes) > 0 {
		fmt.Fprintf(b, "   Virtual Routes (%d):\n", len(i.want.Routes))
		for _, route := range i.want.Routes {
			fmt.Fprintf(b, "     %v\n", route)
		}
	}
	if len(i.want.Rules) > 0 {
		fmt.Fprintf(b, "   Virtual Rules (%d):\n", len(i.want.Rules))
		for _, rule := range i.want.Rules {
			fmt.Fprintf(b, "     %v\n", rule)
		}
	}
}

func (r *role) dataOfTrackers(b *strings.Builder) {
	titles := map[string]string{"script": "VRRP Scripts", "file": "Track files", "process": "VRRP Track processes", "bfd": "BFD sessions"}
	last := ""
	for _, t := range r.trackerStates() {
		if t.Kind != last {
			fmt.Fprintf(b, "------< %s >------\n", titles[t.Kind])
			last = t.Kind
		}
		fmt.Fprintf(b, " %s = %s\n", t.Name, t.State)
	}
}

func (r *role) dataOfInterfaces(b *strings.Builder) {
	b.WriteString("------< Interfaces >------\n")
	for _, l := range r.mirror.State().Links {
		fmt.Fprintf(b, " Name = %s\n   index = %d\n   MTU = %d\n", l.Name, l.Index, l.MTU)
		if l.MAC != "" {
			fmt.Fprintf(b, "   MAC = %v\n", l.MAC)
		}
		fmt.Fprintf(b, "   state = %s, %s\n", map[bool]string{true: "UP", false: "DOWN"}[l.Admin],
			map[bool]string{true: "RUNNING", false: "not RUNNING"}[l.Carrier])
	}
}

func dumpTime(t time.Time) string {
	return fmt.Sprintf("%d.%06d (%s)", t.Unix(), t.Nanosecond()/1000, t.Format("Mon Jan _2 15:04:05.000000 2006"))
}

func enabled(on bool) string { return map[bool]string{true: "enabled", false: "disabled"}[on] }
func yes(on bool) string     { return map[bool]string{true: "yes", false: "no"}[on] }
