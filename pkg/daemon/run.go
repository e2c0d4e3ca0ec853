package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/pkg/logging"
	"github.com/holdfast-lb/holdfast/pkg/script"
)

// Run is the main function of the daemon. It returns the exit code.
func Run(o Options) int {
	o.inherit()
	if err := checkPrivilege(); err != nil {
		fmt.Fprintln(os.Stderr, "holdfast:", err)
		return ExitPermission
	}
	if !o.Foreground && o.starter == nil {
		return detach(os.Args)
	}
	if o.Namespace != "" && !o.inNamespace {
		return namespaceFailed(o.enterNamespace(o.Namespace))
	}
	if o.File == "" {
		o.File = DefaultFile
	}
	dir, err := os.Getwd()
	if err != nil {
		dir = "/"
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGPIPE,
		SignalData, SignalStats, SignalStatsClear, SignalJSON)
	r, err := o.read(dir, config.Start)
	if err != nil {
		fmt.Fprintln(os.Stderr, "holdfast:", err)
		return ExitFatal
	}
	if ns := r.Config.Process.NetNamespace; ns != "" && !o.inNamespace {
		return namespaceFailed(o.enterNamespace(ns))
	}
	closeOnExec()
	limitThreads(2)

	logTo := o.logOptions("", r.Config)
	logTo.Patience = time.Hour // there is nothing here that could not wait
	log, flush := logging.Open(logTo)
	defer flush(time.Second)
	s := &supervisor{opt: o, dir: dir, log: log, running: r, signals: signals, events: make(chan event)}
	s.logStart()
	if code := s.reject(); code != 0 {
		return code
	}
	s.dumpConfig()
	r.slim()
	code := s.supervise()
	log.Info(cpuUsage())
	log.Info("Stopped " + Banner())
	return code
}

// namespaceFailed reports why a namespace could not be entered. keepalived
// ends with 0 then, and unit files know it.
func namespaceFailed(err error) int {
	fmt.Fprintln(os.Stderr, "holdfast:", err)
	return 0
}

// checkPrivilege refuses to start where nothing could be done.
func checkPrivilege() error {
	if os.Geteuid() == 0 {
		return nil
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err == nil && data[0].Effective&(1<<unix.CAP_NET_ADMIN) != 0 {
		return nil
	}
	return errors.New("must be run as root, or with the capabilities NET_ADMIN, NET_RAW and NET_BIND_SERVICE" +
		" (holdfast check FILE and -t need neither)")
}

// logStart logs what is started.
func (s *supervisor) logStart() {
	s.log.Info("Starting " + Banner())
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		s.log.Info("Running on Linux " + unix.ByteSliceToString(uts.Release[:]) + " " + unix.ByteSliceToString(uts.Version[:]))
	}
	s.log.Info("Command line: '" + strings.Join(s.opt.Args, "' '") + "'")
	s.log.Info("Configuration file " + s.opt.File)
	for _, o := range s.opt.NotYet {
		s.log.Warn("option --" + o + " is not in effect yet")
	}
	logProblems(s.log, s.running.Problems, diag.Warning)
}

// dumpConfig logs the configuration as it was understood, if -d asks for it.
func (s *supervisor) dumpConfig() {
	if !s.opt.DumpConfig {
		return
	}
	for line := range strings.Lines(s.running.DumpData()) {
		s.log.Info(strings.TrimRight(line, "\n"))
	}
}

// reject refuses to start with a configuration that cannot be run, and says
// on the terminal, too, what is wrong with it.
func (s *supervisor) reject() (code int) {
	switch {
	case !s.running.found || hasClass(s.running.Problems, diag.Include):
		code = ExitNoFile
	case !config.Runnable(s.running.Problems):
		code = ExitConfig
	default:
		return 0
	}
	s.log.Error("The configuration cannot be run")
	if !s.opt.Console {
		var why []diag.Problem
		for _, p := range s.running.Problems {
			if p.Severity == diag.Error {
				why = append(why, p)
			}
		}
		_ = diag.Renderer{}.Write(os.Stderr, why)
	}
	return code
}

func hasClass(problems []diag.Problem, c diag.Class) bool {
	return slices.ContainsFunc(problems, func(p diag.Problem) bool { return p.Class == c })
}

// supervise claims what must be ours alone, runs the roles, and leaves
// everything behind as it was found.
func (s *supervisor) supervise() int {
	g := &s.running.Config.Global
	umask := int(g.Umask)
	if s.opt.Umask != nil {
		umask = *s.opt.Umask
	}
	s.opt.PidFiles = s.opt.PidFiles.withDefaults(s.running.Config.Process, s.opt.namespace(s.running.Config))
	if err := s.makeDirs(); err != nil {
		s.log.Warn("directory of pid files", zap.Error(err))
	}
	syscall.Umask(umask)
	if err := s.coreDumps(); err != nil {
		s.log.Warn("core dumps", zap.Error(err))
	}
	pid, code := s.claim()
	if pid == nil {
		return code
	}
	defer pid.remove()
	if err := setProcessName(processName(g)); err != nil {
		s.log.Warn("process name", zap.Error(err))
	}
	if s.opt.starter != nil {
		if err := leaveTerminal(s.opt.Console); err != nil {
			s.log.Warn("terminal", zap.Error(err))
		}
	}
	if s.startupScript() {
		s.initRoles()
		code = s.loop()
	}
	s.shutdownScript()
	return code
}

func (s *supervisor) initRoles() {
	for i := range kinds {
		s.roles[i].kind = &kinds[i]
	}
}

// makeDirs makes the directories of pid files and sockets, before the umask
// makes them useless to others.
func (s *supervisor) makeDirs() error {
	syscall.Umask(0o022)
	errs := []error{os.MkdirAll(filepath.Dir(s.opt.PidFiles.Parent), 0o755)}
	for i := range kinds {
		k := &kinds[i]
		pid := k.pid(s.opt.PidFiles)
		errs = append(errs,
			os.MkdirAll(filepath.Dir(pid), 0o755),
			os.MkdirAll(filepath.Dir(control.SocketPath(pid, k.name)), 0o755))
	}
	return errors.Join(errs...)
}

// processName is the kernel's name for the supervisor.
func processName(g *config.Global) string {
	switch {
	case g.ProcessName != "":
		return g.ProcessName
	case g.ProcessNames:
		return "keepalived"
	default:
		return filepath.Base(os.Args[0])
	}
}

// claim takes the pid file, unless another daemon has it or that of one of our
// roles.
func (s *supervisor) claim() (*pidFile, int) {
	pid, err := claimPidFile(s.opt.PidFiles.Parent)
	if err == nil {
		for i := range kinds {
			path := kinds[i].pid(s.opt.PidFiles)
			if s.opt.Roles&kinds[i].role != 0 && pidFileHeld(path) {
				pid.remove()
				err = runningBy(path)
				break
			}
		}
	}
	switch {
	case errors.Is(err, errRunning):
		s.log.Error(err.Error())
		s.complain(err)
		return nil, 0
	case err != nil:
		s.log.Error("cannot start", zap.Error(err))
		s.complain(err)
		return nil, ExitFatal
	}
	return pid, 0
}

// complain says on the terminal what is in the log, unless that is the same.
func (s *supervisor) complain(err error) {
	if !s.opt.Console {
		fmt.Fprintln(os.Stderr, "holdfast:", err)
	}
}

// coreDumps allows core dumps if they are asked for.
func (s *supervisor) coreDumps() error {
	var errs []error
	if s.opt.CoreDump {
		errs = append(errs, unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}))
	}
	if s.opt.CorePattern != "" {
		errs = append(errs, os.WriteFile("/proc/sys/kernel/core_pattern", []byte(s.opt.CorePattern), 0o644))
	}
	return errors.Join(errs...)
}

// startupScript runs startup_script to its end. It reports whether the daemon
// is still wanted then.
func (s *supervisor) startupScript() bool {
	g := &s.running.Config.Global
	if g.StartupScript == nil {
		return true
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.runScript(ctx, "startup_script", g.StartupScript, g.StartupTimeout)
	}()
	for {
		select {
		case <-done:
			return ctx.Err() == nil
		case sig := <-s.signals:
			switch {
			case sig == unix.SIGTERM || (sig == unix.SIGINT && !s.opt.IgnoreSIGINT):
				cancel()
			case sig == unix.SIGHUP:
				s.again = true // what is about to be started was read before
			}
		}
	}
}

func (s *supervisor) shutdownScript() {
	g := &s.running.Config.Global
	if g.ShutdownScript != nil {
		s.runScript(context.Background(), "shutdown_script", g.ShutdownScript, g.ShutdownTimeout)
	}
}

func (s *supervisor) runScript(ctx context.Context, what string, c *config.Command, limit time.Duration) {
	cmd := script.Command{Args: c.Argv, User: &script.User{UID: c.UID, GID: c.GID}, Timeout: limit}
	r, err := script.Run(ctx, cmd)
	switch {
	case err != nil:
		s.log.Error(what+" "+cmd.String(), zap.Error(err))
	case !r.OK():
		s.log.Warn(what + " " + cmd.String() + " " + r.String())
	}
}
