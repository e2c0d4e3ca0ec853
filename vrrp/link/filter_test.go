package link

import (
	"testing"

	"golang.org/x/net/bpf"
)

func TestVRIDFilter(t *testing.T) {
	ip := func(words int, rest ...byte) []byte {
		b := make([]byte, 4*words)
		b[0] = 0x40 | byte(words)
		return append(b, rest...)
	}
	ah := func(vrid byte) []byte { return append([]byte{112, 4, 0, 0}, append(make([]byte, 20), 0x21, vrid)...) }
	v4 := Endpoint{Protocol: ProtocolVRRP}
	for _, c := range []struct {
		name   string
		e      Endpoint
		vrids  []uint8
		packet []byte
		pass   bool
	}{
		{"wanted", v4, []uint8{51}, ip(5, 0x21, 51), true},
		{"not wanted", v4, []uint8{51}, ip(5, 0x21, 52), false},
		{"with IP options", v4, []uint8{51}, ip(8, 0x21, 51), true},
		{"lowest", v4, []uint8{1, 255}, ip(5, 0x31, 1), true},
		{"highest", v4, []uint8{1, 255}, ip(5, 0x31, 255), true},
		{"same bit of another word", v4, []uint8{33}, ip(5, 0x31, 65), false},
		{"none wanted", v4, []uint8{}, ip(5, 0x31, 0), false},
		{"cut short", v4, []uint8{51}, ip(5, 0x21), false},
		{"IPv6", Endpoint{IPv6: true, Protocol: ProtocolVRRP}, []uint8{51}, []byte{0x31, 51}, true},
		{"IPv6 not wanted", Endpoint{IPv6: true, Protocol: ProtocolVRRP}, []uint8{51}, []byte{0x31, 50}, false},
		{"AH", Endpoint{Protocol: ProtocolAH}, []uint8{51}, ip(5, ah(51)...), true},
		{"AH not wanted", Endpoint{Protocol: ProtocolAH}, []uint8{51}, ip(5, ah(5)...), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw, err := vridFilter(c.e, c.vrids)
			if err != nil {
				t.Fatal(err)
			}
			if got := passes(t, raw, c.packet); got != c.pass {
				t.Errorf("passes: %v, want %v", got, c.pass)
			}
		})
	}
}

// passes runs a filter over a packet.
func passes(t *testing.T, raw []bpf.RawInstruction, packet []byte) bool {
	t.Helper()
	prog, ok := bpf.Disassemble(raw)
	if !ok {
		t.Fatal("the filter cannot be disassembled")
	}
	vm, err := bpf.NewVM(prog)
	if err != nil {
		t.Fatal(err)
	}
	n, err := vm.Run(packet)
	if err != nil {
		t.Fatal(err)
	}
	return n > 0
}

func TestARPFilter(t *testing.T) {
	ethernet := func(end byte) []byte {
		b := []byte{0, 1, 8, 0, 6, 4, 0, 1}
		b = append(b, 2, 0, 0, 0, 0, 9, 192, 0, 2, end)
		return append(b, make([]byte, 10)...)
	}
	infiniband := func(end byte) []byte {
		b := append([]byte{0, 32, 8, 0, 20, 4, 0, 1}, make([]byte, 20)...)
		return append(append(b, 192, 0, 2, end), make([]byte, 24)...)
	}
	raw, err := arpFilter([]uint8{50, 51})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		packet []byte
		pass   bool
	}{
		{"ours", ethernet(51), true},
		{"another's", ethernet(52), false},
		{"InfiniBand, ours", infiniband(50), true},
		{"InfiniBand, another's", infiniband(9), false},
		{"cut short", ethernet(50)[:16], false},
		{"of absurd length", []byte{0, 1, 8, 0, 255, 4}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := passes(t, raw, c.packet); got != c.pass {
				t.Errorf("passes: %v, want %v", got, c.pass)
			}
		})
	}
}

// Each of the 256 numbers passes exactly when it is listed.
func TestVRIDFilterAllNumbers(t *testing.T) {
	var vrids []uint8
	for v := 0; v < 256; v += 3 {
		vrids = append(vrids, uint8(v))
	}
	raw, err := vridFilter(Endpoint{IPv6: true}, vrids)
	if err != nil {
		t.Fatal(err)
	}
	for v := range 256 {
		if got := passes(t, raw, []byte{0x31, byte(v)}); got != (v%3 == 0) {
			t.Errorf("VRID %d passes: %v", v, got)
		}
	}
}
