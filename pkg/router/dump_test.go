package router

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/vrrp/packet"
)

func TestStats(t *testing.T) {
	r := still(t, &config.Config{Instances: []*config.Instance{instanceConfig("A", "eth0", 1)}}, eth(1, "eth0", true))
	c := &r.instances[0].counts
	c.sent(100)
	c.sent(0)
	c.received(0)
	c.dropped(packet.ErrTTL)
	c.dropped(packet.ErrPassword)
	c.dropped(packet.ErrUnicast)
	const want = `VRRP Instance: A
  Advertisements:
    Received: 1
    Sent: 2
  Became master: 0
  Released master: 0
  Packet Errors:
    Length: 0
    TTL: 1
    Invalid Type: 0
    Advertisement Interval: 0
    Address List: 0
  Authentication Errors:
    Invalid Type: 0
    Type Mismatch: 0
    Failure: 1
  Authentication Extension Errors:
    Missing: 0
    Malformed: 0
    Unknown Key: 0
    Invalid HMAC: 0
    Stale: 0
    Replay: 0
  Priority Zero:
    Received: 1
    Sent: 1
`
	if diff := cmp.Diff(want, r.statsText()); diff != "" {
		t.Errorf("statistics (-want +got):\n%s", diff)
	}
	if got := c.report().Dropped; got["other"] != 1 || got["ttl"] != 1 {
		t.Errorf("dropped %v", got)
	}
}

// Exporters decode whole numbers as integers, and know these names.
func TestJSON(t *testing.T) {
	cfg := &config.Config{Instances: []*config.Instance{instanceConfig("A", "eth0", 51, "192.0.2.100/24")}}
	r := still(t, cfg, eth(1, "eth0", true))
	r.instances[0].lastMove = time.Unix(1795190475, 63734000)
	b, err := r.jsonText()
	if err != nil {
		t.Fatal(err)
	}
	const start = `[{"data":{"iname":"A","dont_track_primary":0,"skip_check_adv_addr":0,"strict_mode":0,"vmac_ifname":"",` +
		`"ifp_ifname":"eth0","master_priority":0,"last_transition":1795190475.063734,"garp_delay":0,`
	if !strings.HasPrefix(string(b), start) {
		t.Errorf("got  %s\nwant %s…", b, start)
	}
	var list []struct {
		Data struct {
			VRID, State, Version int
			VIPs                 []string
		}
		Stats map[string]int
	}
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	if d := list[0].Data; d.VRID != 51 || d.Version != 3 || d.VIPs[0] != "192.0.2.100/24 dev eth0 scope global" {
		t.Errorf("data %+v", d)
	}
	cfg.Global.JSONVersion = 2
	if b, err = r.jsonText(); err != nil || !strings.HasPrefix(string(b), `{"vrrp":[{"data":`) {
		t.Errorf("version 2: %s, %v", b, err)
	}
}
