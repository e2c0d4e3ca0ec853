package router

import (
	"context"
	"fmt"
	"sync"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/script"
	"github.com/holdfast-lb/holdfast/pkg/track"
)

// trackers are the watchers of everything that priorities may depend on.
type trackers struct {
	r         *role
	scripts   *track.Scripts
	files     *track.Files
	processes *track.Processes
	beats     *track.Linkbeat
	pings     *track.Pings
}

func newTrackers(r *role) (*trackers, error) {
	t := &trackers{r: r}
	report := func(e track.Event) { r.post(func() { r.tracked(e) }) }
	var err error
	if t.files, err = track.NewFiles(report); err != nil {
		return nil, err
	}
	if t.beats, err = track.NewLinkbeat(report); err != nil {
		t.files.Close()
		return nil, err
	}
	t.scripts = track.NewScripts(report)
	t.pings = track.NewPings(report)
	t.processes = track.NewProcesses(r.cfg.Global.ProcessMonitor.Size, report)
	return t, nil
}

// run serves until ctx ends, then closes all watchers.
func (t *trackers) run(ctx context.Context) error {
	var watching sync.WaitGroup
	if watch := t.r.opt.WatchBFD; watch != nil {
		watching.Go(func() {
			watch(ctx, func(name string, up bool) {
				t.r.post(func() { t.r.trackedBFD(name, up) })
			})
		})
	}
	<-ctx.Done()
	t.scripts.Close()
	t.files.Close()
	t.processes.Close()
	t.beats.Close()
	t.pings.Close()
	watching.Wait()
	return nil
}

// set makes the watchers watch what a configuration names.
func (t *trackers) set(c *config.Config) {
	t.scripts.Set(scriptsOf(c))
	t.files.Set(t.filesOf(c))
	t.processes.Set(processesOf(c))
	t.beats.Set(beatsOf(c))
	t.pings.Set(witnessesOf(c))
}

// watch goes over to what a configuration tracks.
func (r *role) watch(c *config.Config) {
	tracked := trackedScripts(c)
	for _, s := range c.Scripts {
		if s.Command != nil && !tracked[s.Name] {
			r.log.Warn("Warning - script " + s.Name + " is not used")
		}
	}
	r.trackers.set(c)
	r.polled = map[string]bool{}
	for _, b := range beatsOf(c) {
		r.polled[b.Interface] = true
	}
	r.setDelays(c)
}

// scriptsOf are the scripts that something tracks; the others are not run.
func scriptsOf(c *config.Config) []track.Script {
	var list []track.Script
	tracked := trackedScripts(c)
	for _, s := range c.Scripts {
		if s.Command == nil || !tracked[s.Name] {
			continue
		}
		command := commandOf(s.Command)
		command.Timeout = s.Timeout
		list = append(list, track.Script{
			Name: s.Name, Command: *command, Interval: s.Interval, Rise: s.Rise, Fall: s.Fall, InitFail: s.InitFail,
		})
	}
	return list
}

// trackedScripts are the names of scripts that something tracks.
func trackedScripts(c *config.Config) map[string]bool {
	tracked := map[string]bool{}
	for _, i := range c.Instances {
		for _, t := range i.TrackScripts {
			tracked[t.Name] = true
		}
	}
	for _, g := range c.SyncGroups {
		for _, t := range g.TrackScripts {
			tracked[t.Name] = true
		}
	}
	return tracked
}

func (t *trackers) filesOf(c *config.Config) []track.File {
	var list []track.File
	for _, f := range c.TrackFiles {
		if f.Init != nil {
			if err := track.InitFile(f.Path, *f.Init, f.Override); err != nil {
				t.r.log.Warn("cannot make the file of track_file "+f.Name, zap.Error(err))
			}
		}
		list = append(list, track.File{Name: f.Name, Path: f.Path})
	}
	return list
}

func processesOf(c *config.Config) []track.Process {
	var list []track.Process
	for _, p := range c.Processes {
		list = append(list, track.Process{
			Name: p.Name, Path: p.Path, Params: p.Params, Match: track.ParamMatch(p.ParamMatch), FullCommand: p.FullCommand,
			Quorum: p.Quorum, QuorumMax: p.QuorumMax, TerminateDelay: p.TerminateDelay, ForkDelay: p.ForkDelay,
		})
	}
	return list
}

// beatsOf are the interfaces whose state is polled.
func beatsOf(c *config.Config) []track.Beat {
	var list []track.Beat
	for _, b := range c.Linkbeat {
		list = append(list, track.Beat{Interface: b.Interface, Method: b.Method})
	}
	if c.LinkbeatPolling {
		seen := map[string]bool{"": true}
		for _, b := range list {
			seen[b.Interface] = true
		}
		for _, i := range c.Instances {
			if !seen[i.Interface] {
				seen[i.Interface] = true
				list = append(list, track.Beat{Interface: i.Interface})
			}
		}
	}
	return list
}

func witnessesOf(c *config.Config) []track.Witness {
	var list []track.Witness
	for _, i := range c.Instances {
		if p := i.TrackPing; p != nil {
			list = append(list, track.Witness{
				Name: i.Name, Targets: p.Targets, All: p.All, Interval: p.Interval, Timeout: p.Timeout, Rise: p.Rise, Fall: p.Fall,
			})
		}
	}
	return list
}

// setDelays begins to hold back link changes of the named interfaces.
func (r *role) setDelays(c *config.Config) {
	old := r.delays
	r.delays = map[string]*track.Delay{}
	for _, d := range c.InterfaceDelays {
		if kept := old[d.Interface]; kept != nil && kept.Up == d.Up && kept.Down == d.Down {
			r.delays[d.Interface] = kept
			continue
		}
		r.delays[d.Interface] = &track.Delay{Up: d.Up, Down: d.Down}
		if l, ok := r.mirror.LinkByName(d.Interface); ok {
			r.delay(l)
		}
	}
}

// tracked is a report of a watcher.
func (r *role) tracked(e track.Event) {
	for _, line := range e.Log {
		r.log.Info(line, zap.Stringer("kind", e.Kind), zap.String("tracker", e.Name))
	}
	if !e.Changed {
		return
	}
	switch e.Kind {
	case track.KindScript:
		learn(r, &r.facts.scripts, e.Name, e.State == track.Up)
	case track.KindFile:
		learn(r, &r.facts.files, e.Name, e.Value)
	case track.KindProcess:
		learn(r, &r.facts.processes, e.Name, e.State == track.Up)
	case track.KindPing:
		learn(r, &r.facts.pings, e.Name, e.State == track.Up)
	case track.KindLink:
		if r.polled[e.Name] { // else it was under way when that ended
			learn(r, &r.facts.links, e.Name, e.State == track.Up)
		}
	}
}

func (r *role) trackedBFD(name string, up bool) {
	if old, known := r.facts.bfd[name]; known && old == up {
		return
	}
	state := map[bool]string{true: "UP", false: "DOWN"}[up]
	for _, i := range r.instances {
		for _, k := range i.cfg.TrackBFD {
			if k.Name == name {
				r.log.Info(fmt.Sprintf("VRRP_Instance(%s) Tracked BFD %s is %s", i.cfg.Name, name, state))
			}
		}
	}
	learn(r, &r.facts.bfd, name, up)
}

// commandLine is a command as dumps show it.
func commandLine(c *config.Command) string {
	if c == nil {
		return ""
	}
	return script.Command{Args: c.Argv}.String()
}
