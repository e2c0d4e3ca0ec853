package notify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/script"
)

// FIFO is a named pipe that gets a line for every event.
type FIFO struct {
	Path     string
	UID, GID uint32          // owner of the pipe, if we create it
	Script   *script.Command // its reader, started with the path added; nil: somebody else
}

// pipe is an open FIFO.
type pipe struct {
	FIFO
	fd     int
	ours   bool // created by us and so removed by us
	full   bool // a line was dropped, and said so
	log    *zap.Logger
	cancel context.CancelFunc // ends the reader
	reader process            // nil without one
}

// openPipe opens the FIFO, and creates it if it is missing.
func openPipe(f FIFO, log *zap.Logger) (*pipe, error) {
	p := &pipe{FIFO: f, log: log, fd: -1}
	err := unix.Mkfifo(f.Path, 0o644)
	switch {
	case err == nil:
		p.ours = true
	case !errors.Is(err, fs.ErrExist):
		return nil, fmt.Errorf("create FIFO %s: %w", f.Path, err)
	}
	// Open for reading, too: then there is always a reader, and no line is
	// lost while the other one is away. Never follow a link for what we
	// believe to have created.
	flags := unix.O_RDWR | unix.O_NONBLOCK | unix.O_CLOEXEC
	if p.ours {
		flags |= unix.O_NOFOLLOW
	}
	if p.fd, err = unix.Open(f.Path, flags, 0); err != nil {
		return nil, fmt.Errorf("open FIFO %s: %w", f.Path, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(p.fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFIFO {
		unix.Close(p.fd)
		return nil, fmt.Errorf("%s is not a FIFO", f.Path)
	}
	if p.ours && (st.Uid != f.UID || st.Gid != f.GID) {
		if err := unix.Fchown(p.fd, int(f.UID), int(f.GID)); err != nil {
			log.Warn("owner of FIFO "+f.Path, zap.Error(err))
		}
	}
	return p, nil
}

// write writes one line, or drops it when the pipe is full.
func (p *pipe) write(line string) {
	switch _, err := unix.Write(p.fd, []byte(line)); {
	case err == nil:
		p.full = false
	case errors.Is(err, unix.EAGAIN):
		if !p.full {
			p.full = true
			p.log.Warn("FIFO " + p.Path + " is full, lines are dropped until it is read")
		}
	default:
		p.log.Error("write to FIFO "+p.Path, zap.Error(err))
	}
}

// startReader starts the FIFO's script.
func (p *pipe) startReader(ctx context.Context, start func(context.Context, script.Command) (process, error)) {
	if p.Script == nil {
		return
	}
	cmd := p.Script.With(p.Path)
	ctx, cancel := context.WithCancel(ctx)
	reader, err := start(ctx, cmd)
	if err != nil {
		cancel()
		p.log.Error("FIFO script "+cmd.String(), zap.Error(err))
		return
	}
	p.cancel, p.reader = cancel, reader
}

// stopReader ends the FIFO's script and waits for it.
func (p *pipe) stopReader() {
	if p.reader == nil {
		return
	}
	p.cancel()
	_, _ = p.reader.Wait()
	p.reader = nil
}

// hangUp closes the pipe, so that its script, which is returned, comes to the end of
// what was written.
func (p *pipe) hangUp() process {
	reader := p.reader
	unix.Close(p.fd)
	p.fd, p.reader = -1, nil
	return reader
}

// close stops the script, closes the pipe and removes it if we created it.
func (p *pipe) close() {
	p.stopReader()
	if p.fd >= 0 {
		unix.Close(p.fd)
	}
	if p.ours {
		if err := os.Remove(p.Path); err != nil && !errors.Is(err, syscall.ENOENT) {
			p.log.Warn("remove FIFO", zap.Error(err))
		}
	}
}

// configure brings the pipes in line with new settings. Pipes that stay are
// not touched; scripts are started anew, as a reload has always done.
func (r *runner) configure(s Settings) {
	r.mails.settings = s.Mail
	var pipes []*pipe
	for _, f := range s.FIFOs {
		i := slices.IndexFunc(r.fifos, func(p *pipe) bool { return p.Path == f.Path })
		if i >= 0 {
			p := r.fifos[i]
			r.fifos = slices.Delete(r.fifos, i, i+1)
			p.stopReader()
			p.FIFO = f
			pipes = append(pipes, p)
			continue
		}
		p, err := openPipe(f, r.hub.log)
		if err != nil {
			r.hub.log.Error("events will be missing", zap.Error(err))
			continue
		}
		pipes = append(pipes, p)
	}
	for _, gone := range r.fifos {
		gone.close()
	}
	r.fifos = pipes
	for _, p := range pipes {
		p.startReader(r.ctx, r.hub.start)
	}
}
