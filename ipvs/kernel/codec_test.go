package kernel

import (
	"net/netip"
	"testing"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
)

// TestCodec reads what we write, without a kernel.
func TestCodec(t *testing.T) {
	for _, e := range ipvstest.Everything() {
		var m message
		m.op(&ipvs.Op{Verb: ipvs.AddService, Service: e.Service})
		if got, err := decodeService(m.b, make(names)); err != nil || got.Service != e.Service {
			t.Errorf("decodeService = %+v, %v, want %+v", got.Service, err, e.Service)
		}
		for _, d := range e.Destinations {
			m.b = m.b[:0]
			m.op(&ipvs.Op{Verb: ipvs.EditDestination, Service: e.Service, Destination: d})
			if got, err := decodeDestination(m.b, e.Family); err != nil || got.Destination != d {
				t.Errorf("decodeDestination = %+v, %v, want %+v", got.Destination, err, d)
			}
		}
	}
	for _, d := range []ipvs.SyncDaemon{
		{Role: ipvs.SyncMaster, Interface: "eth0"},
		{Role: ipvs.SyncBackup, Interface: "eth0", ID: 255, MaxLen: 1500, Group: netip.MustParseAddr("ff02::51"), Port: 8849, TTL: 5},
	} {
		var m message
		m.daemon(&d)
		if got := decodeDaemon(m.b); got != d {
			t.Errorf("decodeDaemon = %+v, want %+v", got, d)
		}
	}
}
