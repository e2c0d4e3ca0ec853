package director

import (
	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/track"
)

// watchFiles passes the numbers in track files to FILE_CHECKs.
func (r *role) watchFiles(want []track.File) {
	if r.files == nil && len(want) > 0 {
		files, err := track.NewFiles(func(ev track.Event) {
			for _, line := range ev.Log {
				r.log.Warn(line)
			}
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

// numbersIn are the numbers in files at this moment, by the files' names.
func numbersIn(files []track.File) map[string]int64 {
	numbers := make(map[string]int64, len(files))
	for _, f := range files {
		numbers[f.Name] = track.Value(f.Path)
	}
	return numbers
}

// trackedFiles are the files that a FILE_CHECK follows. Those that are to begin with a
// number get it.
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
