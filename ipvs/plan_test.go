package ipvs

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func service(at string) Service {
	return Service{Key: AddressKey(TCP, netip.MustParseAddrPort(at)), Scheduler: "rr", Netmask: 0xffffffff}
}

func dest(at string, weight int32) Destination {
	ap := netip.MustParseAddrPort(at)
	return Destination{Addr: ap.Addr(), Port: ap.Port(), Weight: weight}
}

func entry(s Service, ds ...Destination) Entry { return Entry{Service: s, Destinations: ds} }

func TestPlan(t *testing.T) {
	web, mail := service("192.0.2.1:80"), service("192.0.2.1:25")
	one, two, three := dest("10.0.0.1:80", 1), dest("10.0.0.2:80", 1), dest("10.0.0.3:80", 1)
	with := func(s Service, change func(*Service)) Service { change(&s); return s }
	weight := func(d Destination, w int32) Destination { d.Weight = w; return d }
	wlc := with(web, func(s *Service) { s.Scheduler = "wlc" })

	for _, tt := range []struct {
		name       string
		have, want Table
		plan       []Op
	}{
		{name: "nothing to nothing"},
		{
			name: "a new service gets its destinations in the order given",
			want: Table{entry(web, two, one)},
			plan: []Op{{AddService, web, Destination{}}, {AddDestination, web, two}, {AddDestination, web, one}},
		},
		{
			name: "the kernel's order of destinations does not matter",
			have: Table{entry(web, one, two)},
			want: Table{entry(web, two, one)},
		},
		{
			name: "a service that goes takes its destinations with it",
			have: Table{entry(web, one, two), entry(mail)},
			want: Table{entry(mail)},
			plan: []Op{{DeleteService, web, Destination{}}},
		},
		{
			name: "a server is replaced: the new one first",
			have: Table{entry(web, one)},
			want: Table{entry(web, two)},
			plan: []Op{{AddDestination, web, two}, {DeleteDestination, web, one}},
		},
		{
			name: "a server moves between services: added to the later one before it leaves the earlier one",
			have: Table{entry(web, one), entry(mail)},
			want: Table{entry(web), entry(mail, one)},
			plan: []Op{{AddDestination, mail, one}, {DeleteDestination, web, one}},
		},
		{
			name: "weights rise before weights fall",
			have: Table{entry(web, one, two, three)},
			want: Table{entry(web, weight(one, 0), weight(two, 5), three)},
			plan: []Op{{EditDestination, web, weight(two, 5)}, {EditDestination, web, weight(one, 0)}},
		},
		{
			name: "a service is edited in place",
			have: Table{entry(web, one)},
			want: Table{entry(wlc, one)},
			plan: []Op{{EditService, wlc, Destination{}}},
		},
		{
			name: "persistence settings of a service that is not persistent do not matter",
			have: Table{entry(web, one)},
			want: Table{entry(with(web, func(s *Service) { s.Timeout = time.Minute; s.Netmask = 0xffffff00 }), one)},
		},
		{
			name: "flags that the kernel keeps for itself do not matter",
			have: Table{entry(with(web, func(s *Service) { s.Flags = 0x2 }))},
			want: Table{entry(web)},
		},
		{
			name: "a tunnel means nothing to a destination that is not tunnelled",
			have: Table{entry(web, one)},
			want: Table{entry(web, Destination{Addr: one.Addr, Port: one.Port, Weight: 1, Encap: Encap{Type: GUE, Port: 6080}})},
		},
		{
			name: "a service on another protocol is another service",
			have: Table{entry(service("192.0.2.1:53"))},
			want: Table{entry(Service{Key: AddressKey(UDP, netip.MustParseAddrPort("192.0.2.1:53")), Scheduler: "rr"})},
			plan: []Op{
				{AddService, Service{Key: AddressKey(UDP, netip.MustParseAddrPort("192.0.2.1:53")), Scheduler: "rr"}, Destination{}},
				{DeleteService, service("192.0.2.1:53"), Destination{}},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Plan(tt.have, tt.want)
			if diff := cmp.Diff(tt.plan, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("Plan(%v, %v): (-want +got)\n%s", tt.have, tt.want, diff)
			}
		})
	}
}

func TestOnly(t *testing.T) {
	ours, theirs := entry(service("192.0.2.1:80")), entry(service("192.0.2.2:80"))
	got := Table{theirs, ours}.Only(func(k Key) bool { return k == ours.Key })
	if len(got) != 1 || got[0].Key != ours.Key {
		t.Errorf("Only(ours) = %v, want only %v", got, ours.Key)
	}
}

func TestStrings(t *testing.T) {
	web := service("192.0.2.1:80")
	for _, tt := range []struct{ got, want string }{
		{web.Key.String(), "192.0.2.1:80/tcp"},
		{AddressKey(UDP, netip.MustParseAddrPort("[2001:db8::1]:53")).String(), "[2001:db8::1]:53/udp"},
		{AddressKey(SCTP, netip.MustParseAddrPort("[::ffff:192.0.2.1]:53")).String(), "192.0.2.1:53/sctp"},
		{MarkKey(IPv6, 3).String(), "fwmark 3/IPv6"},
		{Op{AddDestination, web, dest("10.0.0.2:80", 1)}.String(), "add 10.0.0.2:80 to 192.0.2.1:80/tcp"},
		{Op{DeleteDestination, web, dest("10.0.0.2:80", 1)}.String(), "delete 10.0.0.2:80 from 192.0.2.1:80/tcp"},
		{Op{Verb: DeleteService, Service: web}.String(), "delete service 192.0.2.1:80/tcp"},
		{(Persistent | OnePacket | SchedulerFlag2).String(), "persistent,ops,flag-2"},
		{OpError{Op{Verb: AddService, Service: web}, ErrNoIPVS}.Error(), "add service 192.0.2.1:80/tcp: " + ErrNoIPVS.Error()},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

// BenchmarkPlan is the largest installation known in the field.
func BenchmarkPlan(b *testing.B) {
	table := large(2300, 16)
	for _, bb := range []struct {
		name string
		have Table
	}{{"start", nil}, {"nothing to do", table}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Plan(bb.have, table)
			}
		})
	}
}

func large(services, destinations int) Table {
	var t Table
	for i := range services {
		e := entry(Service{
			Key:       AddressKey(TCP, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 80)),
			Scheduler: "wrr",
		})
		for j := range destinations {
			e.Destinations = append(e.Destinations, Destination{
				Addr: netip.AddrFrom4([4]byte{10, byte(j + 2), byte(i >> 8), byte(i)}), Port: 80, Weight: 1,
			})
		}
		t = append(t, e)
	}
	return t
}
