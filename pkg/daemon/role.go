package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/control"
	"github.com/holdfast-lb/holdfast/pkg/logging"
)

// Signals that ask for dumps, with keepalived's numbers.
const (
	SignalData       = syscall.SIGUSR1
	SignalStats      = syscall.SIGUSR2
	SignalStatsClear = syscall.Signal(63) // SIGRTMAX-1
	SignalJSON       = syscall.Signal(36) // SIGRTMIN+2
)

// Exit codes of keepalived. A role that ends with one of the first three ends
// the daemon with the same code.
const (
	ExitFatal      = 1
	ExitConfig     = 2
	ExitPermission = 4
	ExitNoFile     = 6
	ExitSoftware   = 70
)

// Room is what a role is given to live in.
type Room struct {
	Config  *config.Config
	Reload  <-chan *config.Config // each parsed and checked
	Log     *zap.Logger
	Control *control.Server
	Ready   func()           // to be called once the role does its duty
	Signals <-chan os.Signal // the operator's wishes for dumps
	Flags   RoleFlags
	Sockets func(role string) string // where the other roles' control sockets are

	// Memory is a file that no other role has, and that every process of this
	// role finds as its predecessor left it, however that ended. It is lost
	// with the supervisor.
	Memory *os.File
}

// RoleFunc does a role's duty until ctx ends, then leaves in good order and
// returns nil. An error that is returned before Ready was called means that
// there is no point in trying again; if it has a method ExitCode() int, that
// is the code to end with.
type RoleFunc func(ctx context.Context, room Room) error

// RunRole is the main function of a role process. It returns the exit code.
func RunRole(duties map[string]RoleFunc) int {
	if fd, err := unix.FcntlInt(linkFD, unix.F_GETFD, 0); err != nil || fd < 0 {
		fmt.Fprintln(os.Stderr, "holdfast: this name is for processes that holdfast starts itself")
		return ExitFatal
	}
	closeOnExec()
	in := catchSignals()
	line, err := linkOn(os.NewFile(linkFD, "link"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "holdfast:", err)
		return ExitFatal
	}
	defer line.close()
	catchCrash()
	m, file, err := line.receive()
	if err != nil || m.Start == nil || file == nil {
		return ExitFatal // the supervisor is gone already
	}
	r := &role{orders: m.Start, link: line, signals: in}
	return r.run(file, duties[m.Start.Role])
}

// catchCrash makes a panic end the process by a signal, so that it is not
// mistaken for an exit code, and its message go to the supervisor's log.
func catchCrash() {
	debug.SetTraceback("crash")
	f := os.NewFile(crashFD, "crash")
	_ = debug.SetCrashOutput(f, debug.CrashOptions{})
	// Kept open: its end tells the supervisor that we are gone.
}

// role is a role process.
type role struct {
	*orders
	kind  *kind
	link  *link
	log   *zap.Logger
	ready atomic.Bool

	signals
}

// signals are the channels on which signals arrive.
type signals struct {
	dumps  chan os.Signal // wishes for dumps
	term   chan os.Signal
	others chan os.Signal
}

// catchSignals keeps signals from ending the process while it starts.
func catchSignals() signals {
	s := signals{make(chan os.Signal, 8), make(chan os.Signal, 1), make(chan os.Signal, 8)}
	signal.Notify(s.dumps, SignalData, SignalStats, SignalStatsClear, SignalJSON)
	signal.Notify(s.term, unix.SIGTERM)
	// A terminal sends SIGINT to all of us; the supervisor says what follows.
	signal.Notify(s.others, unix.SIGINT, unix.SIGPIPE, unix.SIGHUP)
	return s
}

func (r *role) run(file *os.File, duty RoleFunc) int {
	for i := range kinds {
		if kinds[i].name == r.Role {
			r.kind = &kinds[i]
		}
	}
	if r.kind == nil || duty == nil {
		fmt.Fprintln(os.Stderr, "holdfast: no role is called", r.Role)
		return ExitFatal
	}
	if r.kind.role != config.Checkers { // which may have thousands of handshakes to make
		limitThreads(4)
	}
	first, err := r.read(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, "holdfast:", err)
		return ExitFatal
	}
	if r.kind.role == config.VRRP { // which will soon be larger than when it read
		forgetProgram()
	}
	logTo := r.Options.logOptions(r.kind.ident, first)
	if r.kind.role == config.Checkers { // says thousands of lines at once, and is in no hurry after that
		logTo.Patience = time.Second
	}
	log, flush := logging.Open(logTo)
	defer flush(time.Second)
	r.log = log
	if err := r.settle(); err != nil {
		log.Error("cannot run as configured", zap.Error(err))
	}
	pids := r.Options.PidFiles
	pid, err := claimPidFile(r.kind.pid(pids))
	if err != nil {
		log.Error("cannot start", zap.Error(err))
		return ExitFatal
	}
	defer pid.remove()
	server, err := control.Listen(control.SocketPath(r.kind.pid(pids), r.Role), log)
	if err != nil {
		log.Error("cannot start", zap.Error(err))
		return ExitFatal
	}
	return r.serve(first, duty, server)
}

// serve does the role's duty and everything beside it until the end.
func (r *role) serve(first *config.Config, duty RoleFunc, server *control.Server) int {
	ctx, leave := context.WithCancelCause(context.Background())
	defer leave(nil)
	go r.heedSignals(leave)
	reload := make(chan *config.Config)
	var besides sync.WaitGroup
	besides.Go(func() {
		if err := server.Run(ctx); err != nil {
			r.log.Error("the control socket is closed", zap.Error(err))
		}
	})
	besides.Go(func() { r.listen(ctx, reload, leave) })
	besides.Go(func() {
		<-ctx.Done()
		r.link.close()
	})
	defer r.logUsage()
	err := duty(ctx, Room{
		Config:  first,
		Reload:  reload,
		Log:     r.log,
		Control: server,
		Ready:   r.tellReady,
		Signals: r.dumps,
		Flags:   r.Options.Flags,
		Sockets: r.socketOf,
		Memory:  os.NewFile(memoryFD, "memory"),
	})
	leave(nil)
	besides.Wait()
	return r.exitCode(err)
}

// socketOf is where the role with that name serves its control socket.
func (r *role) socketOf(name string) string {
	for i := range kinds {
		if kinds[i].name == name {
			return control.SocketPath(kinds[i].pid(r.Options.PidFiles), name)
		}
	}
	return ""
}

func (r *role) tellReady() {
	if r.ready.CompareAndSwap(false, true) {
		_ = r.link.send(message{Ready: true}, nil)
		debug.SetGCPercent(running)
	}
}

// How far the heap of a role may grow before its garbage is collected, in percent of
// what is in use. Nearly all that is made of a configuration stays. Later little is thrown
// away: collecting twice as often as is usual costs nothing, and keeps the process small.
const (
	settingUp = 1000
	running   = 50
)

// takenOver is when a role does what a new configuration asks for, at the latest if it
// is not one of the longest.
const takenOver = time.Second / 4

// exitCode is what the supervisor makes its decisions from.
func (r *role) exitCode(err error) int {
	if err == nil {
		return 0
	}
	r.log.Error("cannot go on", zap.Error(err))
	var coded interface{ ExitCode() int }
	switch {
	case errors.As(err, &coded):
		return coded.ExitCode()
	case r.ready.Load():
		return ExitSoftware // it has worked before, so it may again
	case errors.Is(err, fs.ErrPermission):
		return ExitPermission
	default:
		return ExitFatal
	}
}

// heedSignals ends the role's duty on SIGTERM and passes SIGHUP on to the
// supervisor, for the rest of the process.
func (r *role) heedSignals(leave context.CancelCauseFunc) {
	for {
		select {
		case <-r.term:
			leave(errors.New("stopping"))
		case s := <-r.others:
			if s == unix.SIGHUP {
				_ = r.link.send(message{HUP: true}, nil)
			}
		}
	}
}

// listen hears the supervisor: new configurations, and its end.
func (r *role) listen(ctx context.Context, reload chan<- *config.Config, leave context.CancelCauseFunc) {
	for {
		m, file, err := r.link.receive()
		if err != nil {
			if ctx.Err() == nil {
				if !errors.Is(err, io.EOF) {
					r.log.Error("link to the supervisor", zap.Error(err))
				}
				r.log.Warn("the supervisor is gone, stopping")
				leave(errors.New("the supervisor is gone"))
			}
			return
		}
		if !m.Reload {
			continue
		}
		c, err := r.read(file)
		time.AfterFunc(takenOver, func() { debug.SetGCPercent(running) })
		if err != nil {
			r.log.Error("the configuration stays as it was", zap.Error(err))
		} else {
			select {
			case reload <- c:
			case <-ctx.Done():
				return
			}
		}
		// In any case: the supervisor waits, and lets no other reload begin.
		_ = r.link.send(message{Reloaded: true}, nil)
	}
}

// read reads a configuration that the supervisor has read and checked.
func (r *role) read(file *os.File) (*config.Config, error) {
	if file == nil {
		return nil, errors.New("configuration from the supervisor: it did not arrive; are too many files open?")
	}
	defer file.Close()
	debug.SetGCPercent(settingUp)
	data, err := content(file)
	if err != nil {
		return nil, fmt.Errorf("configuration from the supervisor: %w", err)
	}
	got, err := r.Options.readSaved(data, r.Mode, r.kind.role)
	if err != nil {
		return nil, fmt.Errorf("configuration from the supervisor: %w", err)
	}
	tidyLater()
	return got.Config, nil
}

// settle gives the process the properties that its role is configured to have
// and that are not inherited.
func (r *role) settle() error {
	errs := []error{setProcessName(r.Name)}
	if r.Settings.RTPriority > 0 && r.Settings.RTTimeLimit > 0 {
		us := uint64(r.Settings.RTTimeLimit / time.Microsecond)
		errs = append(errs, unix.Setrlimit(unix.RLIMIT_RTTIME, &unix.Rlimit{Cur: us, Max: us}))
	}
	if r.Settings.NoSwap {
		// Without MCL_ONFAULT all of Go's address space would become resident.
		errs = append(errs, unix.Mlockall(unix.MCL_CURRENT|unix.MCL_FUTURE|unix.MCL_ONFAULT))
	}
	if !r.Options.CoreDump {
		errs = append(errs, unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}))
	}
	return errors.Join(errs...)
}

// setProcessName sets the name under which the kernel knows the process.
func setProcessName(name string) error {
	return os.WriteFile("/proc/self/comm", []byte(name), 0)
}

// limitThreads keeps a process that has little to do from spreading over all
// of a large machine's processors.
func limitThreads(n int) {
	if runtime.GOMAXPROCS(0) > n {
		runtime.GOMAXPROCS(n)
	}
}

// closeOnExec keeps descriptors that we were started with from reaching the
// programs that we start.
func closeOnExec() {
	_ = unix.CloseRange(linkFD, ^uint(0), unix.CLOSE_RANGE_CLOEXEC)
}
