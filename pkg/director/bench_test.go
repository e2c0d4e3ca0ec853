package director

import (
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

// field is the largest installation that is known: 2,300 virtual servers with
// 37,000 real servers.
func field(checked bool) *config.Config {
	cfg := &config.Config{}
	for i := range 2300 {
		v := vs()
		v.Addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 80)
		for j := range 16 {
			r := &config.RealServer{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(j + 2), byte(i >> 8), byte(i)}), 80), Weight: 1}
			if checked {
				r.Checkers = []*config.Checker{{Kind: config.CheckTCP, Target: r.Addr, DelayLoop: time.Second}}
			}
			v.RealServers = append(v.RealServers, r)
		}
		cfg.VirtualServers = append(cfg.VirtualServers, v)
	}
	return cfg
}

func BenchmarkStart(b *testing.B) {
	for _, bb := range []struct {
		name    string
		checked bool
	}{{"unchecked", false}, {"checked", true}} {
		cfg := field(bb.checked)
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var p policy
				p.load(cfg, checksFor(cfg, nil), nil, epoch)
				if n := len(ipvs.Plan(nil, p.table())); n != 2300*17 {
					b.Fatalf("the plan has %d steps", n)
				}
			}
		})
	}
}

func BenchmarkReload(b *testing.B) {
	cfg := field(true)
	var p policy
	p.load(cfg, checksFor(cfg, nil), nil, epoch)
	b.ReportAllocs()
	for b.Loop() {
		before := p.table()
		p.load(cfg, checksFor(cfg, nil), nil, epoch)
		if n := len(ipvs.Plan(before, p.table())); n != 0 {
			b.Fatalf("the plan has %d steps", n)
		}
	}
}
