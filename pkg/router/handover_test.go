package router

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/vrrp"
	"github.com/holdfast-lb/holdfast/vrrp/packet"
)

func TestHandover(t *testing.T) {
	fd, err := unix.MemfdCreate("handover", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "handover")
	defer f.Close()
	c := instanceConfig("A", "eth0", 1, "192.0.2.100/24")
	c.Version = 2

	first := &instance{cfg: c, encoder: packet.Encoder{}}
	h, err := openHandover(f)
	if err != nil {
		t.Fatal(err)
	}
	if _, known := h.recall(first); known {
		t.Error("a fresh memory knows something")
	}
	first.encoder.Resume(packet.Counters{ID: 7, AH: 8, Seq: 9})
	h.changed(first, vrrp.Master)
	h.spoke(first, time.Now())
	h.close()

	h, err = openHandover(f)
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	got, known := h.recall(&instance{cfg: c})
	if !known || !got.master || got.silent < 0 || got.silent > time.Minute {
		t.Errorf("recalled %+v, known %v", got, known)
	}
	if want := (packet.Counters{ID: 7, AH: 8, Seq: 9}); got.counters != want {
		t.Errorf("counters %+v, want %+v", got.counters, want)
	}
	other := *c
	other.VRID = 2
	if _, known := h.recall(&instance{cfg: &other}); known {
		t.Error("another instance is taken for the first")
	}
}

func TestHandoverWithoutMemory(t *testing.T) {
	h, err := openHandover(nil)
	if err != nil {
		t.Fatal(err)
	}
	i := &instance{cfg: instanceConfig("A", "eth0", 1)}
	if _, known := h.recall(i); known {
		t.Error("nothing knows something")
	}
	h.spoke(i, time.Now())
	h.changed(i, vrrp.Master)
	h.close()
}

func TestStandbyIsRemembered(t *testing.T) {
	cfg := &config.Config{Instances: []*config.Instance{instanceConfig("A", "eth0", 1), instanceConfig("B", "eth0", 2)}}
	path := filepath.Join(t.TempDir(), "vrrp.standby")
	now := time.Unix(1_790_000_000, 0)

	r := still(t, cfg, eth(1, "eth0", true))
	r.opt.StandbyFile = path
	if err := r.setStandby(control.StandbyRequest{Instance: "nobody"}, true, now); err == nil {
		t.Error("an instance that does not exist is put on standby")
	}
	if err := r.setStandby(control.StandbyRequest{Instance: "A", For: 60}, true, now); err != nil {
		t.Fatal(err)
	}
	if !r.named("A").election.machine.OnStandby() || r.named("B").election.machine.OnStandby() {
		t.Error("not A alone is on standby")
	}

	next := still(t, cfg, eth(1, "eth0", true))
	next.opt.StandbyFile = path
	next.readStandby()
	for _, e := range next.everyElection() {
		next.restoreStandby(e)
	}
	if !next.named("A").election.machine.OnStandby() || next.named("B").election.machine.OnStandby() {
		t.Error("after a restart not A alone is on standby")
	}
	next.endStandby(now.Add(59 * time.Second))
	if !next.named("A").election.machine.OnStandby() {
		t.Error("standby ended too early")
	}
	next.endStandby(now.Add(61 * time.Second))
	if next.named("A").election.machine.OnStandby() {
		t.Error("standby does not end")
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
}
