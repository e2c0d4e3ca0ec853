package vrrp_test

import (
	"strings"
	"testing"
	"time"
)

// Both daemons understand each other's authentication, and refuse a wrong one: then each
// is alone, and both are master.
func TestAuthentication(t *testing.T) {
	t.Parallel()
	otherKey := strings.ReplaceAll(signed("enforce", 1), "5151", "6161")
	for _, tt := range []struct {
		name          string
		mixes         func(*testing.T, func(*testing.T, *lan, [2]string))
		version       int
		first, second string
		agree         bool
	}{
		{"PASS", mixed, 2, authentication("PASS", "secret"), authentication("PASS", "secret"), true},
		{"PASS of eight characters", mixed, 2, authentication("PASS", "12345678"), authentication("PASS", "12345678"), true},
		{"AH", mixed, 2, authentication("AH", "secret"), authentication("AH", "secret"), true},
		{"AH, unicast", mixed, 2, authentication("AH", "secret") + "\n" + unicast(0, 1), authentication("AH", "secret") + "\n" + unicast(1, 0), true},
		{"wrong password", mixed, 2, authentication("PASS", "secret"), authentication("PASS", "Secret"), false},
		{"wrong AH password", mixed, 2, authentication("AH", "secret"), authentication("AH", "Secret"), false},
		{"PASS against none", mixed, 2, authentication("PASS", "secret"), "", false},
		{"PASS against AH", mixed, 2, authentication("PASS", "secret"), authentication("AH", "secret"), false},
		{"HMAC", alone, 3, signed("enforce", 1), signed("enforce", 1), true},
		{"HMAC in version 2", alone, 2, signed("enforce", 1), signed("enforce", 1), true},
		{"HMAC, unicast", alone, 3, signed("enforce", 1) + "\n" + unicast(0, 1), signed("enforce", 1) + "\n" + unicast(1, 0), true},
		{"HMAC with two known keys", alone, 3, signed("enforce", 1), signed("enforce", 2), true},
		{"HMAC rolled out: one signs, one does not yet", alone, 3, signed("permissive", 1), signed("receive-only", 1), true},
		{"HMAC, wrong key", alone, 3, signed("enforce", 1), otherKey, false},
		{"HMAC enforced against none", alone, 3, signed("enforce", 1), "", false},
		{"HMAC, a wrong key is not permitted either", alone, 3, signed("permissive", 1), strings.ReplaceAll(otherKey, "enforce", "permissive"), false},
		{"HMAC against a keepalived without it", keepalivedSecond, 3, signed("permissive", 1), "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.mixes(t, func(t *testing.T, l *lan, bin [2]string) {
				advert := "0.2"
				if tt.version == 2 {
					advert = "1"
				}
				l.start(0, bin[0], router{priority: 150, version: tt.version, advert: advert, extra: tt.first})
				l.start(1, bin[1], router{priority: 100, version: tt.version, advert: advert, extra: tt.second})
				if tt.agree {
					l.settles(10*time.Second, 0, vip)
					l.stays(2*time.Second, 0, vip)
					return
				}
				l.Eventually(10*time.Second, "each is alone", func() bool { return l.holders(vip) == "r1 r2" })
				l.Never(2*time.Second, "one of them gave way", func() bool { return l.holders(vip) != "r1 r2" })
			})
		})
	}
}

// Keys are changed on routers that run: each step keeps both understanding each other.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, l *lan, bin [2]string) {
		conf := func(priority int, extra string) string {
			return globals + router{priority: priority, extra: extra}.String()
		}
		first := l.start(0, bin[0], router{priority: 150})
		l.only(5*time.Second, 0, vip)
		second := l.join(1, bin[1], router{priority: 100})
		for _, step := range [][2]string{
			{signed("receive-only", 1), signed("receive-only", 1)},
			{signed("permissive", 1), signed("receive-only", 1)},
			{signed("permissive", 1), signed("permissive", 1)},
			{signed("enforce", 1), signed("permissive", 1)},
			{signed("enforce", 1), signed("enforce", 1)},
			{signed("enforce", 2), signed("enforce", 1)},
			{signed("enforce", 2), signed("enforce", 2)},
		} {
			first.Reload(conf(150, step[0]))
			l.stays(700*time.Millisecond, 0, vip)
			second.Reload(conf(100, step[1]))
			l.stays(700*time.Millisecond, 0, vip)
		}
		l.port[0].Unplug()
		l.only(5*time.Second, 1, vip)
	})
}
