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
			prog, ok := bpf.Disassemble(raw)
			if !ok {
				t.Fatal("the filter cannot be disassembled")
			}
			vm, err := bpf.NewVM(prog)
			if err != nil {
				t.Fatal(err)
			}
			n, err := vm.Run(c.packet)
			if err != nil || (n > 0) != c.pass {
				t.Errorf("passes %d bytes (%v), want passing to be %v", n, err, c.pass)
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
	prog, _ := bpf.Disassemble(raw)
	vm, err := bpf.NewVM(prog)
	if err != nil {
		t.Fatal(err)
	}
	for v := range 256 {
		n, _ := vm.Run([]byte{0x31, byte(v)})
		if (n > 0) != (v%3 == 0) {
			t.Errorf("VRID %d: passes %d bytes", v, n)
		}
	}
}
