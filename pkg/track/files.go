package track

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// File is a file that holds a number.
type File struct {
	Name string
	Path string
}

// missingDirPause is how often a directory that does not exist is looked for.
const missingDirPause = time.Second

// Files reports the numbers in files, at first and whenever they change. It
// watches the directories, so a file may be made, replaced and removed at will.
type Files struct {
	report func(Event)
	pause  time.Duration // emptyPause
	inot   *os.File
	fd     int
	ended  chan struct{}

	mu   sync.Mutex // held for moments only, never while reporting
	next *[]File    // what Set wants, until the goroutine takes it

	// What follows belongs to the goroutine.
	files map[string]*fileState // by name
	dirs  map[string]int32      // watch descriptors; missing: the directory does not exist
}

// missing is the watch descriptor of a directory that does not exist.
const missing = -1

type fileState struct {
	File
	value int64
	known bool
	doubt time.Time // when an empty file counts as 0; zero: it is not empty
	since time.Time // when it was emptied

	invalid string // what it held when it was read last, instead of a number
}

// emptyPause is how long a file must stay empty, and untouched. Most programs
// empty a file and then write it, and an event of an earlier writing may make us
// look in between, again and again.
const emptyPause = 250 * time.Millisecond

// NewFiles returns a watcher of no files. report is called from its goroutine.
func NewFiles(report func(Event)) (*Files, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	f := &Files{
		report: report, pause: emptyPause, inot: os.NewFile(uintptr(fd), "inotify"), fd: fd, ended: make(chan struct{}),
		files: map[string]*fileState{}, dirs: map[string]int32{},
	}
	go f.follow()
	return f, nil
}

// Set makes the watched files those that are wanted. The number of each new one
// is reported soon after.
func (f *Files) Set(want []File) {
	want = slices.Clone(want)
	f.mu.Lock()
	f.next = &want
	f.mu.Unlock()
	_ = f.inot.SetReadDeadline(time.Now()) // wakes the goroutine
}

// Close ends all watching and waits.
func (f *Files) Close() {
	f.inot.Close()
	<-f.ended
}

// follow is the goroutine: it takes over what is wanted, looks for directories
// that were missing, and looks at files when something happened to them.
func (f *Files) follow() {
	defer close(f.ended)
	buf := make([]byte, 16<<10)
	for {
		if f.inot.SetReadDeadline(f.deadline(time.Now())) != nil {
			return // closed
		}
		// After the deadline was set: a Set from now on moves it again.
		if want, ok := f.taken(); ok {
			f.take(want)
			continue
		}
		n, err := f.inot.Read(buf)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			f.lookAgain()
		case err != nil && !errors.Is(err, unix.EINTR):
			return
		}
		for _, ev := range parseInotify(buf[:max(n, 0)]) {
			f.happened(ev)
		}
	}
}

func (f *Files) taken() ([]File, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next == nil {
		return nil, false
	}
	want := *f.next
	f.next = nil
	return want, true
}

func (f *Files) take(want []File) {
	old := f.files
	f.files = make(map[string]*fileState, len(want))
	dirs := map[string]bool{}
	for _, w := range want {
		dirs[filepath.Dir(w.Path)] = true
		if s := old[w.Name]; s != nil && s.Path == w.Path {
			f.files[w.Name] = s
			continue
		}
		f.files[w.Name] = &fileState{File: w}
	}
	for dir, wd := range f.dirs {
		if !dirs[dir] {
			if wd != missing {
				_, _ = unix.InotifyRmWatch(f.fd, uint32(wd))
			}
			delete(f.dirs, dir)
		}
	}
	for dir := range dirs {
		if wd, known := f.dirs[dir]; !known || wd == missing {
			f.dirs[dir] = f.watchDir(dir)
		}
	}
	for _, s := range f.files { // after the watches: no change is missed
		f.look(s)
	}
}

// deadline is when files have to be looked at again without an event; zero is
// never.
func (f *Files) deadline(now time.Time) (at time.Time) {
	for _, wd := range f.dirs {
		if wd == missing {
			at = now.Add(missingDirPause)
		}
	}
	for _, s := range f.files {
		if !s.doubt.IsZero() && (at.IsZero() || s.doubt.Before(at)) {
			at = s.doubt
		}
	}
	return at
}

// lookAgain looks for directories that were missing, and at files that were
// empty.
func (f *Files) lookAgain() {
	for dir, wd := range f.dirs {
		if wd == missing {
			f.dirs[dir] = f.watchDir(dir)
		}
	}
	for _, s := range f.files {
		f.look(s)
	}
}

// watchDir watches a directory for files that were written, moved or removed.
func (f *Files) watchDir(dir string) int32 {
	const mask = unix.IN_CLOSE_WRITE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR
	wd, err := unix.InotifyAddWatch(f.fd, dir, mask)
	if err != nil {
		return missing
	}
	return int32(wd)
}

// look reads a file and reports its number if it is news.
func (f *Files) look(s *fileState) {
	r, now := read(s.Path), time.Now()
	ev := Event{Kind: KindFile, Name: s.Name, At: now}
	if r.invalid != s.invalid && r.invalid != "" {
		ev.Log = []string{fmt.Sprintf("Invalid number %s read from %s - ignoring", r.invalid, s.Path)}
	}
	s.invalid = r.invalid
	switch {
	case r.invalid != "" && s.known: // the one before counts
		r.value = s.value
	case r.emptied.IsZero() || !s.known || s.value == 0:
	case s.doubt.IsZero() || !s.since.Equal(r.emptied):
		s.doubt, s.since = now.Add(f.pause), r.emptied
		return
	case now.Before(s.doubt):
		return
	}
	s.doubt = time.Time{}
	ev.Changed = !s.known || r.value != s.value
	s.value, s.known = r.value, true
	ev.Value = r.value
	if ev.Changed || ev.Log != nil {
		f.report(ev)
	}
}

func (f *Files) happened(ev inotifyEvent) {
	if ev.mask&unix.IN_Q_OVERFLOW != 0 {
		for _, s := range f.files {
			f.look(s)
		}
		return
	}
	for dir, wd := range f.dirs {
		if wd != ev.wd {
			continue
		}
		if ev.mask&unix.IN_MOVE_SELF != 0 { // the watch would move with it
			_, _ = unix.InotifyRmWatch(f.fd, uint32(wd))
		}
		if ev.mask&(unix.IN_IGNORED|unix.IN_DELETE_SELF|unix.IN_MOVE_SELF) != 0 {
			f.dirs[dir] = missing // it is gone, or the name means another one now
		}
		for _, s := range f.files {
			if filepath.Dir(s.Path) == dir && concerns(ev, filepath.Base(s.Path)) {
				f.look(s)
			}
		}
	}
}

// concerns reports whether an event is about a file of that name. Names that
// begin with two dots are how a mounted ConfigMap replaces all its files at once.
func concerns(ev inotifyEvent, base string) bool {
	return ev.name == "" || ev.name == base || strings.HasPrefix(ev.name, "..")
}

// inotifyEvent is struct inotify_event.
type inotifyEvent struct {
	wd   int32
	mask uint32
	name string
}

// parseInotify reads the events in b and stops where they make no sense.
func parseInotify(b []byte) []inotifyEvent {
	var list []inotifyEvent
	for len(b) >= unix.SizeofInotifyEvent {
		n := int(binary.NativeEndian.Uint32(b[12:]))
		if n < 0 || n > len(b)-unix.SizeofInotifyEvent {
			break
		}
		name, _, _ := strings.Cut(string(b[16:16+n]), "\x00")
		list = append(list, inotifyEvent{int32(binary.NativeEndian.Uint32(b)), binary.NativeEndian.Uint32(b[4:]), name})
		b = b[16+n:]
	}
	return list
}
