package config

import (
	"fmt"
	"time"
)

func (d *dumper) vrrpGlobal(c *Config) {
	g := &c.Global
	seconds := func(v time.Duration, given bool) uint32 {
		if !given && !c.garpDone {
			return unset
		}
		return uint32(v / time.Second)
	}
	repeat := uint32(g.GARP.LowerPrioRepeat)
	if !g.GARP.LowerRepeatGiven && !c.garpDone {
		repeat = unset
	}
	d.line(" VRRP IPv4 mcast group = %s", g.McastGroup4)
	d.line(" VRRP IPv6 mcast group = %s", g.McastGroup6)
	d.line(" Gratuitous ARP delay = %d", g.GARP.MasterDelay/time.Second)
	d.line(" Gratuitous ARP repeat = %d", g.GARP.MasterRepeat)
	d.line(" Gratuitous ARP refresh timer = %d", g.GARP.Refresh/time.Second)
	d.line(" Gratuitous ARP refresh repeat = %d", g.GARP.RefreshRepeat)
	d.line(" Gratuitous ARP lower priority delay = %d", seconds(g.GARP.LowerPrioDelay, g.GARP.LowerDelayGiven))
	d.line(" Gratuitous ARP lower priority repeat = %d", repeat)
	d.line(" Num adverts before down = %d", g.DownTimerAdverts)
	d.line(" Gratuitous ARP for each secondary %s = %ds", choose(g.GARPExtraIfAll, "i/f", "VMAC"), g.GARPExtraIf/time.Second)
	d.line(" Send advert after receive lower priority advert = %s", trueFalse(!g.LowerPrioNoAdvert))
	d.line(" Send advert after receive higher priority advert = %s", trueFalse(g.HigherPrioSendAdvert))
	d.line(" Gratuitous ARP interval = %s", micros6(g.GARPInterval))
	d.line(" Gratuitous NA interval = %s", micros6(g.GNAInterval))
	d.line(" VRRP default protocol version = %d", g.Version)
}

func (d *dumper) firewall(g *Global) {
	f := &g.Firewall
	if f.IPTables {
		d.line(" Iptables input chain = %s", f.ChainIn)
		if f.ChainOut != "" {
			d.line(" Iptables output chain = %s", f.ChainOut)
		}
		d.line(" Using ipsets = %s", trueFalse(f.IPSets))
		if f.IPSets {
			for i, what := range [...]string{"IPv4 address", "IPv6 address", "IPv6 address,iface", "IGMP", "MLD", "ND"} {
				if f.IPSetNames[i] != "" {
					d.line(" ipset %s set = %s", what, f.IPSetNames[i])
				}
			}
		}
	}
	if f.NFTables {
		d.line(" nftables table name = %s", f.NFTable)
		d.line(" nftables base chain priority = %d", f.NFPriority)
		d.line(" nftables %sforce use ifindex for link local IPv6", choose(f.NFIfindex, "", "don't "))
	}
	if f.NFIPVS {
		d.line(" ipvs nftables table name = %s", f.NFIPVSTable)
		d.line(" ipvs nftables base chain priority = %d", f.NFIPVSPriority)
		d.line(" ipvs nftables start fwmark = %d", f.NFIPVSStartFwmark)
	}
	d.line(" nftables with%s counters", choose(f.NFCounters, "", "out"))
	d.line(" libnftnl version 1.2.4")
}

// micros6 prints a duration in seconds with six decimals.
func micros6(v time.Duration) string {
	us := int64(v / time.Microsecond)
	return fmt.Sprintf("%d.%06d", us/1000000, us%1000000)
}
