// Package dump says where the state dumps of keepalived are, and writes them.
package dump

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config"
)

// The processes whose state dumps have names of their own; that of the vrrp role is
// called after none.
const (
	VRRP     = ""
	Checkers = "_check"
	BFD      = "_bfd"
	Parent   = "_parent"
)

// StatePath is the file of a process's state dump: in the directory for temporary files,
// as programs that read it expect, unless state_dump_file says otherwise.
func StatePath(c *config.Config, process string) string {
	path := Path(cmp.Or(c.Global.StateDumpFile, "keepalived.data"))
	id := ""
	if c.Global.DataUseInstance {
		id = strings.Trim(c.Process.NetNamespace+"_"+c.Process.Instance, "_")
	}
	if id != "" {
		id = "." + id
	}
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + process + id + ext
}

// Path is a file in the directory for temporary files, unless name is absolute.
func Path(name string) string {
	dir := os.Getenv("TMPDIR")
	switch {
	case filepath.IsAbs(name):
		return name
	case !filepath.IsAbs(dir):
		dir = "/tmp"
	}
	return filepath.Join(dir, name)
}

// Replace writes a file that readers never see half written, for us alone to read. The
// name that it has meanwhile is one that nobody can have prepared.
func Replace(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
