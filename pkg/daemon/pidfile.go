package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// errRunning means that another process holds the pid file's lock.
var errRunning = errors.New("daemon is already running")

// runningBy is errRunning with the file that tells.
func runningBy(path string) error { return fmt.Errorf("%w, says pid file %s", errRunning, path) }

// pidFile is a pid file that is ours: locked for as long as we hold it.
type pidFile struct{ file *os.File }

// claimPidFile writes our process number into the file at path and locks it.
// The error is errRunning if another living process has it.
func claimPidFile(path string) (*pidFile, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("directory of pid file: %w", err)
	}
	f, err := lockedFile(path)
	if err != nil {
		return nil, err
	}
	// The mode is independent of the umask: others want to read the number.
	err = errors.Join(f.Chmod(0o644), f.Truncate(0))
	if err == nil {
		_, err = f.WriteAt(append(strconv.AppendInt(nil, int64(os.Getpid()), 10), '\n'), 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("pid file: %w", err)
	}
	return &pidFile{f}, nil
}

// lockedFile opens the file at path and locks it. One that is removed meanwhile, by the
// process that had it, is nobody's any more.
func lockedFile(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o644)
		if err != nil {
			return nil, fmt.Errorf("pid file: %w", err)
		}
		if err := lockPidFile(f); err != nil {
			f.Close()
			return nil, err
		}
		if isAt(f, path) {
			return f, nil
		}
		f.Close()
	}
}

// lockPidFile takes the file's lock. A process that was killed a moment ago may still have
// it, while the kernel clears up its threads: that one is waited for.
func lockPidFile(f *os.File) error {
	const looks, pause = 100, 10 * time.Millisecond // a second, but not one in which we stand still
	for n := 1; ; n++ {
		err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES):
			return fmt.Errorf("lock pid file %s: %w", f.Name(), err)
		case !dying(f) || n == looks:
			return runningBy(f.Name())
		}
		time.Sleep(pause)
	}
}

// dying reports whether the process named in a pid file has ended but for its threads.
func dying(f *os.File) bool {
	var number [20]byte
	n, _ := f.ReadAt(number[:], 0)
	pid, err := strconv.Atoi(string(bytes.TrimSpace(number[:n])))
	if err != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH)
	}
	_, state, _ := bytes.Cut(stat, []byte(") "))
	return len(state) > 0 && (state[0] == 'Z' || state[0] == 'X')
}

// pidFileHeld reports whether a living process holds the file at path.
func pidFileHeld(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(lockPidFile(f), errRunning)
}

// remove removes the file, unless another one has its name by now, and gives up
// the lock.
func (p *pidFile) remove() {
	if isAt(p.file, p.file.Name()) {
		_ = os.Remove(p.file.Name())
	}
	p.file.Close()
}

// isAt reports whether it is a file that is found at path.
func isAt(f *os.File, path string) bool {
	ours, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(ours, there)
}
