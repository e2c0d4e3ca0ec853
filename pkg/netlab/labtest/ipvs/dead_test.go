package ipvs_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// Once a dead server has left the table, no new request fails. Behind NAT that is so by
// itself. With DR the director does not hear that connections are refused, so a client
// that gets a port again would be sent to the dead server again, for a minute or more:
// expire_connections ends that.
func TestDeadServer(t *testing.T) {
	for _, tt := range []struct {
		name, kind, extra string
		prepare           func(*netlab.Site)
	}{
		{"NAT", "NAT", "", (*netlab.Site).NAT},
		{"DR with expire_connections", "DR", "expire_connections true", (*netlab.Site).DR},
	} {
		t.Run(tt.name, func(t *testing.T) {
			site := lab(t).Site(1, 3)
			tt.prepare(site)
			web := site.Serve("http", 80)
			lb := site.Directors[0]
			lb.AddAddr("eth0", netlab.VIP+"/32")
			lb.Daemon(netlab.Holdfast(t), strings.ReplaceAll(checkedPool(3, 1, tt.extra), "lb_kind NAT", "lb_kind "+tt.kind), "-C")
			site.Eventually(10*time.Second, "three destinations", func() bool { return lb.Destinations() == 3 })
			load := site.Client.Load("http", netlab.VIP+":80", 12, 20*time.Millisecond, 10*time.Second)
			for range 3 {
				web[1].Down()
				site.Eventually(15*time.Second, "the dead server is out", func() bool { return lb.Destinations() == 2 })
				out := time.Now()
				site.Eventually(15*time.Second, "requests", func() bool { r := load.Since(out); return r.OK+r.Failed > 200 })
				if after := load.Since(out); after.Failed > 0 {
					t.Errorf("%d of %d requests failed afterwards: %v", after.Failed, after.OK+after.Failed, after.Errors)
				}
				web[1].Up()
				site.Eventually(15*time.Second, "it is back", func() bool { return lb.Destinations() == 3 })
			}
			load.Stop()
		})
	}
}
