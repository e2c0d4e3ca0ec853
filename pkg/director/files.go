package director

import (
	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/track"
)

// watchFiles passes the numbers in track files to FILE_CHECKs. It watches those
// files only that a FILE_CHECK follows.
func (r *role) watchFiles(cfg *config.Config) {
	want := r.trackedFiles(cfg)
	if r.files == nil && len(want) > 0 {
		files, err := track.NewFiles(func(ev track.Event) {
			if ev.Changed {
				r.engine.TrackFile(ev.Name, ev.Value)
			}
		})
		if err != nil {
			r.log.Error("FILE_CHECK does not work", zap.Error(err))
			return
		}
		r.files = files
	}
	if r.files != nil {
		r.files.Set(want)
	}
}

func (r *role) trackedFiles(cfg *config.Config) []track.File {
	used := make(map[string]bool)
	for _, vs := range cfg.VirtualServers {
		for _, rs := range vs.RealServers {
			for _, ck := range rs.Checkers {
				if ck.File != nil {
					used[ck.File.File] = true
				}
			}
		}
	}
	var list []track.File
	for _, f := range cfg.TrackFiles {
		if !used[f.Name] {
			continue
		}
		if f.Init != nil {
			if err := track.InitFile(f.Path, *f.Init, f.Override); err != nil {
				r.log.Warn("cannot make the file of track_file "+f.Name, zap.Error(err))
			}
		}
		list = append(list, track.File{Name: f.Name, Path: f.Path})
	}
	return list
}

// closeFiles ends the watching of files, if there is any.
func (r *role) closeFiles() {
	if r.files != nil {
		r.files.Close()
	}
}
