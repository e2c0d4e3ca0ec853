package director

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/control"
)

// dump writes the state for people to read, when the signal asks for that.
func (r *role) dump(sig os.Signal) {
	if sig != unix.SIGUSR1 {
		return
	}
	path := dumpPath(r.cfg)
	r.log.Info("Printing LVS data", zap.String("file", path))
	if err := replaceFile(path, dumpText(r.policy.status())); err != nil {
		r.log.Error("state dump", zap.Error(err))
	}
}

// dumpPath is where keepalived's checker process writes its dump.
func dumpPath(cfg *config.Config) string {
	suffix := ""
	if cfg.Global.DataUseInstance {
		for _, part := range []string{cfg.Process.NetNamespace, cfg.Process.Instance} {
			if part != "" {
				suffix += "." + part
			}
		}
	}
	if f := cfg.Global.StateDumpFile; f != "" {
		ext := filepath.Ext(f)
		return strings.TrimSuffix(f, ext) + "_check" + suffix + ext
	}
	return filepath.Join(os.TempDir(), "keepalived_check"+suffix+".data")
}

// replaceFile writes a file that readers never see half written. The name that it
// has meanwhile is one that nobody can have prepared.
func replaceFile(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

func dumpText(st *control.CheckersStatus) string {
	var b strings.Builder
	b.WriteString("------< LVS Topology >------\n")
	for _, v := range st.Virtual {
		fmt.Fprintf(&b, " Virtual server = %s\n", v.Name)
		fmt.Fprintf(&b, "   Services = %s\n", strings.Join(v.Services, ", "))
		fmt.Fprintf(&b, "   State = %s\n", upDown(v.Up))
		fmt.Fprintf(&b, "   Quorum = %d, hysteresis = %d, weight = %d\n", v.Quorum, v.Hysteresis, v.Weight)
		if v.Sorry != "" {
			fmt.Fprintf(&b, "   Sorry server = %s, active = %v\n", v.Sorry, v.SorryActive)
		}
		for _, s := range v.Real {
			fmt.Fprintf(&b, "   Real server = %s\n", s.Name)
			fmt.Fprintf(&b, "     State = %s\n", upDown(s.Up))
			fmt.Fprintf(&b, "     Last transition = %d.%06d (%s)\n", s.Since.Unix(), s.Since.Nanosecond()/1000, s.Since.Format("Mon Jan _2 15:04:05 2006"))
			fmt.Fprintf(&b, "     Weight = %d, configured = %d\n", s.Weight, s.Configured)
			fmt.Fprintf(&b, "     Set in IPVS = %v\n", s.InPool)
			fmt.Fprintf(&b, "     Administrative state = %s\n", s.Admin)
			if s.Reason != "" {
				fmt.Fprintf(&b, "     Reason = %s\n", s.Reason)
			}
		}
	}
	return b.String()
}
