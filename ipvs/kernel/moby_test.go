package kernel

import (
	"slices"
	"testing"
	"time"

	moby "github.com/moby/ipvs"

	"github.com/holdfast-lb/holdfast/ipvs"
)

func mobyService(s ipvs.Service) *moby.Service {
	m := &moby.Service{
		AddressFamily: uint16(s.Family), FWMark: s.FWMark, SchedName: s.Scheduler,
		Flags: uint32(s.Flags), Timeout: uint32(s.Timeout / time.Second), Netmask: s.Netmask,
	}
	if s.Family == ipvs.IPv4 {
		m.Netmask = native.Uint32(network.AppendUint32(nil, s.Netmask))
	}
	if s.FWMark == 0 {
		m.Protocol, m.Address, m.Port = uint16(s.Protocol), s.Addr.AsSlice(), s.Port
	}
	return m
}

func mobyDestination(d ipvs.Destination) *moby.Destination {
	return &moby.Destination{
		Address: d.Addr.AsSlice(), Port: d.Port, Weight: int(d.Weight), ConnectionFlags: uint32(d.Method),
		AddressFamily: uint16(d.Family()), UpperThreshold: d.Upper, LowerThreshold: d.Lower,
	}
}

func mobyHandle(t *testing.T) *moby.Handle {
	t.Helper()
	h, err := moby.New("")
	if err != nil {
		t.Fatalf("moby: %v", err)
	}
	t.Cleanup(h.Close)
	return h
}

func mobyReads(t *testing.T, c *Conn) {
	write(t, c, plain())
	h := mobyHandle(t)
	for _, e := range plain() {
		want := mobyService(e.Service)
		got, err := h.GetService(want)
		if err != nil {
			t.Errorf("%v: moby: %v", e.Key, err)
			continue
		}
		got.Flags &= uint32(ipvs.SettableFlags)
		if got.SchedName != want.SchedName || got.Flags != want.Flags || got.Netmask != want.Netmask ||
			got.Timeout != want.Timeout || got.FWMark != want.FWMark {
			t.Errorf("%v: moby reads %+v, want %+v", e.Key, got, want)
		}
		ds, err := h.GetDestinations(want)
		if err != nil || len(ds) != len(e.Destinations) {
			t.Errorf("%v: moby reads %d destinations, %v, want %d", e.Key, len(ds), err, len(e.Destinations))
			continue
		}
		slices.Reverse(ds)
		for i, d := range ds {
			want := mobyDestination(e.Destinations[i])
			if !d.Address.Equal(want.Address) || d.Port != want.Port || d.Weight != want.Weight ||
				d.ConnectionFlags&methodMask != want.ConnectionFlags ||
				d.UpperThreshold != want.UpperThreshold || d.LowerThreshold != want.LowerThreshold {
				t.Errorf("%v: moby reads %+v, want %+v", e.Key, d, want)
			}
		}
	}
}

func mobyWrites(t *testing.T, c *Conn) {
	h := mobyHandle(t)
	for _, e := range plain() {
		s := mobyService(e.Service)
		if err := h.NewService(s); err != nil {
			t.Fatalf("%v: moby: %v", e.Key, err)
		}
		for _, d := range e.Destinations {
			if err := h.NewDestination(s, mobyDestination(d)); err != nil {
				t.Fatalf("%v: moby: %v", d.AddrPort(), err)
			}
		}
	}
	have, err := c.Read(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if plan := ipvs.Plan(have, plain()); len(plan) != 0 {
		t.Errorf("what moby wrote reads differently, to do: %+v", plan)
	}
}
