package director

import (
	"fmt"
	"os"
	"strings"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/dump"
)

// dump writes the state for people to read, when the signal asks for that.
func (r *role) dump(sig os.Signal) {
	if sig != unix.SIGUSR1 {
		return
	}
	r.log.Info(fmt.Sprintf("Printing checker data for process(%d) on signal", os.Getpid()))
	text := dumpText(r.cfg, r.policy.pools)
	if err := dump.Replace(dump.StatePath(r.cfg, dump.Checkers), []byte(text)); err != nil {
		r.log.Error("state dump", zap.Error(err))
	}
}

// dumpText is the dump in keepalived's words, and what we know beyond that.
func dumpText(cfg *config.Config, pools []*pool) string {
	byConfig := make(map[*config.VirtualServer]*pool, len(pools))
	for _, pl := range pools {
		byConfig[pl.cfg] = pl
	}
	var b strings.Builder
	b.WriteString(cfg.GlobalText(config.Checkers))
	b.WriteString(cfg.ServicesText(func(vs *config.VirtualServer) config.VirtualState {
		if pl := byConfig[vs]; pl != nil {
			return pl.state()
		}
		return config.VirtualState{}
	}))
	b.WriteString("------< Health checkers >------\n")
	for _, pl := range pools {
		for _, s := range pl.servers {
			dumpServer(&b, pl, s)
		}
	}
	return b.String()
}

func (pl *pool) state() config.VirtualState {
	st := config.VirtualState{Quorum: pl.quorum, SorrySet: pl.sorry()}
	for _, s := range pl.servers {
		rs := config.ServerState{Weight: int(s.weight), Alive: s.up, Set: s.in}
		for i := range s.checks {
			if !s.checks[i].up {
				rs.FailedCheckers++
			}
		}
		st.Alive = st.Alive || s.up
		st.Servers = append(st.Servers, rs)
	}
	return st
}

func dumpServer(b *strings.Builder, pl *pool, s *server) {
	fmt.Fprintf(b, " %s -> %s\n", pl.name, s.name())
	line := func(format string, args ...any) { fmt.Fprintf(b, "   "+format+"\n", args...) }
	line("Alive = %s", yesNo(s.up))
	line("Last transition = %d.%06d (%s)", s.since.Unix(), s.since.Nanosecond()/1000, s.since.Format("Mon Jan _2 15:04:05 2006"))
	line("Administrative state = %v", s.admin)
	if s.reason != "" {
		line("Reason = %s", s.reason)
	}
	for i := range s.checks {
		c := &s.checks[i]
		line("Keepalive method = %s", c.spec.Ask.Keyword())
		line("  Enabled = %s", yesNo(!pl.suspended && s.admin != Maint))
		line("  Up = %s", yesNo(c.up))
		line("  Current weight = %d", c.weight)
	}
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
