package bfd

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/dump"
)

// dump writes the state for people to read, when the signal asks for that.
func (r *role) dump(cfg *config.Config) {
	r.log.Info(fmt.Sprintf("Printing BFD data for process(%d) on signal", os.Getpid()))
	var b strings.Builder
	b.WriteString(cfg.GlobalText(config.BFD))
	b.WriteString("------< BFD Topology >------\n")
	for _, name := range slices.Sorted(maps.Keys(r.sessions)) {
		r.sessions[name].dump(&b)
	}
	if err := dump.Replace(dump.StatePath(cfg, dump.BFD), []byte(b.String())); err != nil {
		r.log.Error("state dump", zap.Error(err))
	}
}

func (e *endpoint) dump(b *strings.Builder) {
	c, s, remote := e.cfg, e.session, e.session.Remote()
	line := func(format string, args ...any) { fmt.Fprintf(b, "   "+format+"\n", args...) }
	fmt.Fprintf(b, " BFD Instance = %s\n", c.Name)
	line("Neighbor IP = %v", c.Neighbor)
	if c.Source.IsValid() {
		line("Source IP = %v", c.Source)
	}
	line("Required min RX interval = %d us", c.MinRx.Microseconds())
	line("Desired min TX interval = %d us", c.MinTx.Microseconds())
	line("Desired idle TX interval = %d us", c.IdleTx.Microseconds())
	line("Detection multiplier = %d", c.Multiplier)
	line("max_hops = %d", c.MaxHops)
	line("passive = %t", c.Passive)
	line("local state = %v", s.State())
	line("remote state = %v", remote.State)
	line("local discriminator = %#x", e.disc)
	line("remote discriminator = %#x", remote.MyDisc)
	line("remote diag = %v", remote.Diag)
	line("remote min tx intv = %d us", remote.DesiredMinTx.Microseconds())
	line("remote min rx intv = %d us", remote.RequiredMinRx.Microseconds())
	line("remote detect multiplier = %d", remote.DetectMult)
	line("local tx intv = %d us", s.Interval().Microseconds())
	line("local detection time = %d us", s.Detection().Microseconds())
}
