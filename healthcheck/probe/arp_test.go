package probe

import (
	"net"
	"net/netip"
	"testing"
)

func TestClaimsOfAddresses(t *testing.T) {
	mac, other := net.HardwareAddr{2, 0, 0, 0, 0, 1}, net.HardwareAddr{2, 0, 0, 0, 0, 2}
	vip := netip.MustParseAddr("192.0.2.1")
	reply := func(change func([]byte)) []byte {
		b := arpRequest(mac, vip.AsSlice(), netip.MustParseAddr("192.0.2.9"))
		b[7] = 2
		change(b)
		return b
	}
	tests := []struct {
		name string
		b    []byte
		want bool
	}{
		{"reply", reply(func([]byte) {}), true},
		{"request", reply(func(b []byte) { b[7] = 1 }), false},
		{"somebody else", reply(func(b []byte) { copy(b[8:], other) }), false},
		{"another address", reply(func(b []byte) { b[17]++ }), false},
		{"short", reply(func([]byte) {})[:27], false},
		{"empty", nil, false},
	}
	for _, tt := range tests {
		if got := isClaim(tt.b, mac, vip); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
