package ipvstest

import (
	"context"
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/ipvs"
)

func timeouts(t *testing.T, k ipvs.Kernel) {
	before, err := k.Timeouts(t.Context())
	if err != nil {
		t.Fatalf("Timeouts: %v", err)
	}
	t.Cleanup(func() { k.SetTimeouts(context.Background(), before) })
	if err := k.SetTimeouts(t.Context(), ipvs.Timeouts{TCP: time.Hour, UDP: time.Minute}); err != nil {
		t.Fatalf("SetTimeouts: %v", err)
	}
	want := ipvs.Timeouts{TCP: time.Hour, TCPFin: before.TCPFin, UDP: time.Minute}
	if got, err := k.Timeouts(t.Context()); err != nil || got != want {
		t.Errorf("Timeouts = %+v, %v, want %+v", got, err, want)
	}
}

func daemons(t *testing.T, k ipvs.Kernel) {
	master := ipvs.SyncDaemon{Role: ipvs.SyncMaster, Interface: "lo", ID: 7}
	backup := ipvs.SyncDaemon{
		Role: ipvs.SyncBackup, Interface: "lo", ID: 9, MaxLen: 1100,
		Group: netip.MustParseAddr("224.0.0.99"), Port: 9999, TTL: 3,
	}
	t.Cleanup(func() {
		k.StopDaemon(context.Background(), master)
		k.StopDaemon(context.Background(), backup)
	})
	for _, d := range []ipvs.SyncDaemon{backup, master} {
		if err := k.StartDaemon(t.Context(), d); err != nil {
			t.Fatalf("StartDaemon(%+v): %v", d, err)
		}
	}
	if err := k.StartDaemon(t.Context(), master); !errors.Is(err, syscall.EEXIST) {
		t.Errorf("StartDaemon of a role that runs: %v, want %v", err, syscall.EEXIST)
	}
	got, err := k.Daemons(t.Context())
	if err != nil || len(got) != 2 {
		t.Fatalf("Daemons = %+v, %v, want two", got, err)
	}
	if got[1] != backup {
		t.Errorf("the backup is %+v, want %+v", got[1], backup)
	}
	if got[0].Role != ipvs.SyncMaster || got[0].ID != 7 || got[0].TTL != 1 || got[0].Port != 8848 ||
		got[0].Group != netip.MustParseAddr("224.0.0.81") || got[0].MaxLen == 0 {
		t.Errorf("the master is %+v, want ID 7 and the kernel's defaults", got[0])
	}
	for _, d := range got {
		if err := k.StopDaemon(t.Context(), d); err != nil {
			t.Errorf("StopDaemon(%v): %v", d.Role, err)
		}
	}
	if err := k.StopDaemon(t.Context(), master); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("StopDaemon of a role that does not run: %v, want %v", err, syscall.ESRCH)
	}
	for range 20 { // the kernel swallows the answer to a stop right after a start
		if err := k.StartDaemon(t.Context(), master); err != nil {
			t.Fatalf("StartDaemon: %v", err)
		}
		if err := k.StopDaemon(t.Context(), master); err != nil {
			t.Fatalf("StopDaemon right after StartDaemon: %v", err)
		}
	}
	if got, err := k.Daemons(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("Daemons after all were stopped = %+v, %v", got, err)
	}
}

func zeroes(t *testing.T, k ipvs.Kernel) {
	reach(t, k, Everything())
	if err := k.Zero(t.Context()); err != nil {
		t.Fatalf("Zero: %v", err)
	}
	status, err := k.Status(t.Context(), nil)
	if err != nil || len(status) != len(Everything()) {
		t.Fatalf("Status gives %d services, %v, want %d", len(status), err, len(Everything()))
	}
	for _, s := range status {
		if s.Stats != (ipvs.Stats{}) {
			t.Errorf("%v: %+v after Zero", s.Key, s.Stats)
		}
	}
}
