package bfd

import (
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// up is an Up packet as RFC 5880 section 4.1 lays it out: detection multiplier
// 3, discriminators 1 and 2, 50 ms out, 300 ms in.
const up = "20c00318" + "00000001" + "00000002" + "0000c350" + "000493e0" + "00000000"

func TestParse(t *testing.T) {
	edit := func(at int, value byte) string {
		b, _ := hex.DecodeString(up)
		b[at] = value
		return hex.EncodeToString(b)
	}
	tests := []struct {
		name, hex string
		err       error
	}{
		{"up", up, nil},
		{"trailing bytes are padding", up + "0000", nil},
		{"empty", "", ErrShort},
		{"one byte short", up[:46], ErrShort},
		{"version 2", edit(0, 0x40), ErrVersion},
		{"length field too small", edit(3, 23), ErrLength},
		{"length field beyond the packet", edit(3, 26), ErrLength},
		{"multiplier 0", edit(2, 0), ErrMultiplier},
		{"multipoint", edit(1, 0xc1), ErrMultipoint},
		{"authentication", edit(1, 0xc4), ErrAuth},
		{"no discriminator of the sender", edit(7, 0), ErrMyDisc},
		{"up without our discriminator", edit(11, 0), ErrYourDisc},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := hex.DecodeString(tt.hex)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(b); !errors.Is(err, tt.err) {
				t.Errorf("Parse(%s) = %v, want %v", tt.hex, err, tt.err)
			}
		})
	}
}

func TestAppend(t *testing.T) {
	p := Packet{
		State: Up, DetectMult: 3, MyDisc: 1, YourDisc: 2,
		DesiredMinTx: 50 * time.Millisecond, RequiredMinRx: 300 * time.Millisecond,
	}
	if got := hex.EncodeToString(p.Append(nil)); got != up {
		t.Errorf("Append:\n got %s\nwant %s", got, up)
	}
}

func FuzzBFD(f *testing.F) {
	seed, _ := hex.DecodeString(up)
	f.Add(seed)
	f.Add(seed[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Parse(p.Append(nil))
		if err != nil {
			t.Fatalf("%x parses, its encoding does not: %v", b, err)
		}
		if diff := cmp.Diff(p, again); diff != "" {
			t.Errorf("%x changed in a round trip:\n%s", b, diff)
		}
		now := time.Unix(0, 0)
		s := NewSession(Params{MinTx: time.Second, MinRx: time.Second, Multiplier: 3}, 1, func() float64 { return 0 }, now)
		for i := range 4 {
			now = now.Add(time.Duration(i) * time.Second)
			s.Receive(p, now)
			s.Tick(now)
			_ = s.Deadline()
		}
	})
}
