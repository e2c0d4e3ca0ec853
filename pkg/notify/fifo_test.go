package notify

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/script"
)

func fifoFor(path string) FIFO {
	return FIFO{Path: path, UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}
}

func openTestPipe(t *testing.T, f FIFO) *pipe {
	t.Helper()
	p, err := openPipe(f, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestFIFOIsCreatedAndRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	old := unix.Umask(0o177)
	p := openTestPipe(t, fifoFor(path))
	unix.Umask(old)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := os.ModeNamedPipe | 0o600; info.Mode() != want {
		t.Errorf("mode %v, want %v", info.Mode(), want)
	}
	p.close()
	if exists(path) {
		t.Error("the FIFO is still there")
	}
}

func TestForeignFIFOStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	openTestPipe(t, fifoFor(path)).close()
	if !exists(path) {
		t.Error("a FIFO of somebody else was removed")
	}
}

func TestPlainFileIsNoFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openPipe(fifoFor(path), zap.NewNop()); err == nil || !strings.Contains(err.Error(), "is not a FIFO") {
		t.Errorf("got %v", err)
	}
}

func TestFullFIFODropsLines(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	p, err := openPipe(fifoFor(filepath.Join(t.TempDir(), "fifo")), zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	line := strings.Repeat("x", 1000) + "\n"
	for range 1000 {
		p.write(line)
	}
	if n := logs.Len(); n != 1 || !strings.Contains(logs.All()[0].Message, "is full") {
		t.Errorf("%d log lines: %v", n, logs.All())
	}
}

// Lines of all events reach the pipes in order, none merged, and the reader
// belongs to the settings that are in force.
func TestHubWritesToFIFOs(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	var mu sync.Mutex
	var started []string
	h := New(Settings{FIFOs: []FIFO{fifoFor(one)}}, zap.NewNop())
	h.start = func(ctx context.Context, c script.Command) (process, error) {
		mu.Lock()
		defer mu.Unlock()
		started = append(started, strings.Join(c.Args, " "))
		f := fake{make(chan error, 1)}
		context.AfterFunc(ctx, func() { f.ended <- ctx.Err() })
		return f, nil
	}
	with := fifoFor(two)
	with.Script = command("reader", "-v")
	h.Configure(Settings{FIFOs: []FIFO{with, fifoFor(one)}})
	for _, s := range []string{Backup, Master, Backup} {
		h.Tell(Event{Name: "a", State: s, Priority: 1})
	}
	h.Tell(Event{Name: "silent", State: Master, NoFIFO: true})

	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = h.Run(ctx) })
	want := "INSTANCE \"a\" BACKUP 1\nINSTANCE \"a\" MASTER 1\nINSTANCE \"a\" BACKUP 1\n"
	for _, path := range []string{two, one} {
		if got := readFIFO(t, path, len(want)); got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
	cancel()
	wg.Wait()
	if diff := cmp.Diff([]string{"reader -v " + two}, started); diff != "" {
		t.Error(diff)
	}
	if exists(one) || exists(two) {
		t.Error("a FIFO is still there")
	}
}

// At the end a reader is left to read what was written last, and comes to its end.
func TestReaderSeesTheLastLines(t *testing.T) {
	f := fifoFor(filepath.Join(t.TempDir(), "fifo"))
	f.Script = command("reader")
	h := New(Settings{FIFOs: []FIFO{f}}, zap.NewNop())
	h.grace = time.Minute // it is not what ends the reader
	began := make(chan struct{})
	var got []byte
	var killed bool
	h.start = func(ctx context.Context, _ script.Command) (process, error) {
		reader := fake{make(chan error, 2)}
		context.AfterFunc(ctx, func() { reader.ended <- ctx.Err() })
		file, err := os.Open(f.Path)
		if err != nil {
			return nil, err
		}
		close(began)
		go func() {
			defer file.Close()
			got, _ = io.ReadAll(file)
			killed = ctx.Err() != nil
			reader.ended <- nil
		}()
		return reader, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.Run(ctx) }()
	<-began
	for range 1000 {
		h.Tell(Event{Name: "a", State: Stop, Priority: 1})
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(got), "STOP"); n != 1000 || killed {
		t.Errorf("%d lines were read, killed: %v", n, killed)
	}
}

// readFIFO waits until the FIFO exists and reads n bytes from it.
func readFIFO(t *testing.T, path string, n int) string {
	t.Helper()
	for !exists(path) {
		if t.Context().Err() != nil {
			t.Fatal("no FIFO")
		}
		unix.Nanosleep(&unix.Timespec{Nsec: 1e6}, nil)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	buf := make([]byte, n)
	for got := 0; got < n; {
		m, err := f.Read(buf[got:])
		if err != nil {
			t.Fatalf("after %q: %v", buf[:got], err)
		}
		got += m
	}
	return string(buf)
}
