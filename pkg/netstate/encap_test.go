package netstate

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

func TestParseEncap(t *testing.T) {
	addr := netip.MustParseAddr
	for line, want := range map[string]Encap{
		"mpls 100/200 ttl 9":                   {Kind: EncapMPLS, Labels: []uint32{100, 200}, TTL: 9},
		"ip id 7 dst 192.0.2.1 ttl 5 tos 4":    {Kind: EncapIP, ID: 7, Dst: addr("192.0.2.1"), TTL: 5, TOS: 4},
		"ip dst 192.0.2.1 csum key":            {Kind: EncapIP, Dst: addr("192.0.2.1"), Flags: 5},
		"ip6 id 1 src 2001:db8::1 hoplimit 64": {Kind: EncapIP6, ID: 1, Src: addr("2001:db8::1"), TTL: 64},
		"ila 1:2:3:f csum-mode no-action":      {Kind: EncapILA, Locator: 0x000100020003000f, ChecksumMode: Some(uint8(2))},
		"ila 1:2:3:f ident-type use-format":    {Kind: EncapILA, Locator: 0x000100020003000f, IdentType: Some(uint8(32))},
	} {
		words := strings.Fields(line)
		got, err := ParseEncap(words[0], words[1:])
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", line, got, err, want)
		}
	}
	for _, line := range []string{"gre", "mpls", "mpls x", "mpls 1 ttl", "mpls 1 csum 1", "ip dst 2001:db8::1", "ip foo 1", "ila 1:2:3", "ila 1:2:3:4 csum-mode none", "ip ttl 256"} {
		words := strings.Fields(line)
		if e, err := ParseEncap(words[0], words[1:]); err == nil {
			t.Errorf("%s: accepted as %+v", line, e)
		}
	}
}
