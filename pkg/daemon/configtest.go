package daemon

import (
	"fmt"
	"io"
	"os"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// Test checks the configuration as keepalived -t does: it writes what is wrong
// to w and returns keepalived's exit code.
func Test(o Options, w io.Writer) int {
	if o.File == "" {
		o.File = DefaultFile
	}
	dir, err := os.Getwd()
	if err != nil {
		dir = "/"
	}
	r, err := o.read(dir, config.Test)
	if err != nil {
		fmt.Fprintln(w, "holdfast:", err)
		return ExitFatal
	}
	_ = diag.Renderer{}.Write(w, r.Problems)
	return diag.ExitStatus(r.Problems)
}
