package director

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/pkg/config"
)

// fileListener is an engine that hears of track files only.
type fileListener struct {
	checker
	heard chan int64
}

func (l fileListener) TrackFile(_ string, value int64) { l.heard <- value }

func TestTrackFilesReachTheChecks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "load")
	initial := 5
	cfg := &config.Config{
		TrackFiles: []*config.TrackFile{
			{Name: "load", Path: path, Init: &initial},
			{Name: "unused", Path: "/proc/uptime"},
		},
		VirtualServers: []*config.VirtualServer{{RealServers: []*config.RealServer{{
			Checkers: []*config.Checker{{Kind: config.CheckFile, File: &config.FileCheck{File: "load"}}},
		}}}},
	}
	l := fileListener{heard: make(chan int64, 10)}
	r := &role{engine: l, log: zap.NewNop()}
	defer r.closeFiles()
	r.watchFiles(nil)
	if r.files != nil {
		t.Error("watching although nothing is to be watched")
	}
	files := r.trackedFiles(cfg)
	if n, ok := numbersIn(files)["load"]; n != 5 || !ok {
		t.Errorf("the file holds %d, %v, want 5", n, ok)
	}
	r.watchFiles(files)
	if v := <-l.heard; v != 5 {
		t.Errorf("first number %d, want 5", v)
	}
	// At once, as whoever is stopped between emptying and writing makes it 0 for a while.
	next := path + ".next"
	if err := errors.Join(os.WriteFile(next, []byte("-7\n"), 0o600), os.Rename(next, path)); err != nil {
		t.Fatal(err)
	}
	if v := <-l.heard; v != -7 {
		t.Errorf("then %d, want -7", v)
	}
}

// A server begins as the number in its file says: it is not put into the pool to be
// taken out again, and nobody is told of it.
func TestServersBeginAsTheirFilesSay(t *testing.T) {
	cfg := cfgOf(edit(vs(rs("10.9.0.11:80", 10), rs("10.9.0.12:80", 10)), func(v *config.VirtualServer) {
		for i, name := range []string{"load", "maintenance"} {
			v.RealServers[i].Checkers = []*config.Checker{{Kind: config.CheckFile, File: &config.FileCheck{File: name, Weight: 1 - i}}}
		}
	}))
	s := &stage{T: t}
	s.e = s.p.load(cfg, checksFor(cfg, map[string]int64{"load": -4, "maintenance": 1}), nil, epoch)
	s.tables(`
		10.9.0.100:80/tcp rr
		  10.9.0.11:80 NAT 6
		`)
	for i, ev := range []healthcheck.Event{{Up: true, First: true, Weight: -4}, {First: true, Turned: true}} {
		ev.Key = s.p.pools[0].servers[i].checks[0].spec.Key
		s.e = s.p.health(ev, epoch)
		s.said()
		s.told()
	}
}
