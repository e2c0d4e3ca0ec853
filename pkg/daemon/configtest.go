package daemon

import (
	"io"
	"os"
	"runtime/debug"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/host"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
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
	debug.SetGCPercent(400) // this process ends when it has read the file
	env := host.Env()
	env.Keep = config.KeepChecks
	r := o.parse(syntax.NewSource(os.DirFS("/"), dir, os.LookupEnv), config.Test, env)
	_ = diag.Renderer{}.Write(w, r.Problems)
	return diag.ExitStatus(r.Problems)
}
