package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// netnsDir is where iproute2 keeps named network namespaces.
const netnsDir = "/run/netns"

// enterNamespace moves the process into a named network namespace, with a
// private view of /run/keepalived, by becoming a new process there: Linux
// moves single threads, and Go has many. It returns only if that fails.
func (o *Options) enterNamespace(name string) error {
	if strings.ContainsRune(name, '/') || name == "." || name == ".." {
		return fmt.Errorf("network namespace %q: not a name", name)
	}
	runtime.LockOSThread() // for good; the process ends or is replaced
	ns, err := unix.Open(filepath.Join(netnsDir, name), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("network namespace %s: %w", name, err)
	}
	if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace %s: %w", name, err)
	}
	if err := privateRunDir(name); err != nil {
		return fmt.Errorf("private %s in namespace %s: %w", pidDir, name, err)
	}
	args, env := o.again(name)
	err = unix.Exec("/proc/self/exe", args, env)
	return fmt.Errorf("start again in network namespace %s: %w", name, err)
}

// privateRunDir mounts /run/keepalived/NAME over /run/keepalived, for the
// calling thread alone.
func privateRunDir(name string) error {
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return err
	}
	dir := filepath.Join(pidDir, name)
	return errors.Join(
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""),
		os.MkdirAll(dir, 0o755),
		unix.Mount(dir, pidDir, "", unix.MS_BIND, ""),
	)
}
