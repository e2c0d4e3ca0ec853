package daemon

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Environment variables with which a process tells the one it becomes what has
// been done already. They are removed before anything else is started.
const (
	envDetached  = "HOLDFAST_DETACHED"  // set: descriptor 3 is the starter's pipe
	envNamespace = "HOLDFAST_NAMESPACE" // the namespace that was entered
)

// starterFD is the pipe to the process that was called on the command line.
const starterFD = 3

// notifier tells that process how the start went. A nil one tells nobody.
type notifier struct{ pipe *os.File }

// inherit takes over what an earlier self has left in the environment.
func (o *Options) inherit() {
	if os.Getenv(envDetached) != "" {
		o.starter = &notifier{os.NewFile(starterFD, "starter")}
	}
	if ns, ok := os.LookupEnv(envNamespace); ok {
		o.Namespace, o.inNamespace = ns, true
	}
	_ = os.Unsetenv(envDetached)
	_ = os.Unsetenv(envNamespace)
}

// detach starts the daemon in a session of its own and waits until it is up,
// or has failed, whose exit code it then returns. One fork is enough: the
// second one of old keeps a session leader from acquiring a terminal, and we
// open none.
func detach(args []string) int {
	r, w, err := os.Pipe()
	if err != nil {
		fmt.Fprintln(os.Stderr, "holdfast:", err)
		return ExitFatal
	}
	defer r.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = args
	cmd.Env = append(os.Environ(), envDetached+"=1")
	cmd.ExtraFiles = []*os.File{w}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	w.Close()
	if err != nil {
		fmt.Fprintln(os.Stderr, "holdfast:", err)
		return ExitFatal
	}
	if n, _ := r.Read(make([]byte, 1)); n == 1 {
		return 0
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "holdfast:", err)
		return ExitFatal
	}
	return 0
}

// tell says that the daemon is up, and lets go of the terminal: what it shows
// from now on is for the log. Standard error stays open for -l.
func (n *notifier) tell() {
	if n == nil || n.pipe == nil {
		return
	}
	_, _ = n.pipe.Write([]byte{0})
	n.pipe.Close()
	n.pipe = nil
}

// leaveTerminal points the standard files to /dev/null and the working
// directory to /, where it keeps nothing from being unmounted.
func leaveTerminal(keepStderr bool) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	fds := []int{0, 1, 2}
	if keepStderr {
		fds = fds[:2]
	}
	for _, fd := range fds {
		if err := unix.Dup3(int(null.Fd()), fd, 0); err != nil {
			return err
		}
	}
	return os.Chdir("/")
}

// again is this process's own command line and environment, for the process
// that it becomes next.
func (o *Options) again(namespace string) (args, env []string) {
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, envDetached+"=") && !strings.HasPrefix(kv, envNamespace+"=") {
			env = append(env, kv)
		}
	}
	if o.starter != nil {
		env = append(env, envDetached+"=1")
	}
	return o.Args, append(env, envNamespace+"="+namespace)
}
