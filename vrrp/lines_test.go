package vrrp

import (
	"strings"
	"testing"
	"time"
)

// Administrators search for these lines.
func TestLines(t *testing.T) {
	m := New(false, v3(func(c *Config) { c.PreemptDelay = 3 * sec }))
	for _, s := range []struct {
		at   time.Duration
		ev   Event
		want string
	}{
		{0, Start{}, ""},
		{1 * sec, adv(100), "start preempt delay (3.000000)|master set to 192.0.2.3"},
		{2 * sec, Advert{From: lower, Priority: 200, Interval: 2 * sec}, "stop preempt delay|advertisement interval updated from 1000ms to 2000ms by master|master changed from 192.0.2.3 to 192.0.2.1"},
		{3 * sec, adv(0), "Backup received priority 0 advertisement"},
		{4 * sec, Expired{}, "Receive advertisement timeout"},
		{4100 * ms, adv(0), "Master received priority 0 message"},
		{4200 * ms, adv(100), "Received advert from 192.0.2.3 with lower priority 100, ours 128, forcing new election"},
		{4300 * ms, Priority{Value: 90}, "Changing effective priority from 128 to 90"},
		{4400 * ms, Advert{From: peer, Priority: 90, Interval: sec}, "Master received advert from 192.0.2.3 with same priority 90 but higher IP address than ours|master set to 192.0.2.3"},
		{5500 * ms, adv(89), "start preempt delay (3.000000)"},
		{8500 * ms, adv(89), "received lower priority (89) advert from 192.0.2.3 - discarding"},
		{9 * sec, adv(89), ""}, // once a second is enough
		{20 * sec, Expired{}, "not scheduled for 10.852s, listening before taking over"},
		{21 * sec, Expired{}, "Receive advertisement timeout"},
		{21100 * ms, adv(200), "Master received advert from 192.0.2.3 with higher priority 200, ours 90|master set to 192.0.2.3"},
		{30 * sec, Stop{}, ""},
	} {
		var lines []string
		for _, a := range m.Handle(s.ev, epoch.Add(s.at)) {
			if l, ok := a.(Log); ok {
				lines = append(lines, l.Text)
			}
		}
		if got := strings.Join(lines, "|"); got != s.want {
			t.Errorf("at %v, %#v:\n got %s\nwant %s", s.at, s.ev, got, s.want)
		}
	}
}

// Neighbours that take turns, at any rate, do not fill the log.
func TestLinesAreBounded(t *testing.T) {
	m := New(false, v3(func(c *Config) { c.PreemptDelay = 3 * sec }))
	m.Handle(Start{}, epoch)
	lines := 0
	for i := range 20_000 {
		a := adv(uint8(100 + 100*(i%2)))
		a.Interval = time.Duration(1+i%3) * sec
		for _, act := range m.Handle(a, epoch.Add(time.Duration(i)*50*time.Microsecond)) {
			if _, ok := act.(Log); ok {
				lines++
			}
		}
	}
	if lines > 10 {
		t.Errorf("%d lines in a second", lines)
	}
}
