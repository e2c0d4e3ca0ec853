package director

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap"

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
	r.watchFiles(&config.Config{})
	if r.files != nil {
		t.Error("watching although nothing is to be watched")
	}
	r.watchFiles(cfg)
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
