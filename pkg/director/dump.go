package director

import (
	"fmt"
	"os"
	"strings"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/pkg/dump"
)

// dump writes the state for people to read, when the signal asks for that.
func (r *role) dump(sig os.Signal) {
	if sig != unix.SIGUSR1 {
		return
	}
	r.log.Info(fmt.Sprintf("Printing checker data for process(%d) on signal", os.Getpid()))
	text := r.cfg.GlobalText(config.Checkers) + dumpText(r.policy.status())
	if err := dump.Replace(dump.StatePath(r.cfg, dump.Checkers), []byte(text)); err != nil {
		r.log.Error("state dump", zap.Error(err))
	}
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
