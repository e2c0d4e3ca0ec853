package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// writeTimeout is how long a client may leave a message unread in the socket.
const writeTimeout = 5 * time.Second

// acceptPause is how long a client waits at least for whom we have no descriptor.
const acceptPause = time.Second

// scarce reports whether it was for want of something that comes back.
func scarce(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.ENOMEM)
}

// Handler answers one kind of request. What it returns is sent as JSON, an
// error as its text. It runs on a goroutine of the client that asks.
type Handler func(ctx context.Context, params json.RawMessage) (any, error)

// Server is the serving end of one role's socket.
type Server struct {
	log      *zap.Logger
	listener *net.UnixListener
	accept   func() (*net.UnixConn, error) // of the listener

	mu       sync.Mutex
	handlers map[string]Handler
	clients  map[*peer]struct{}
}

// Listen opens the socket at path, which exists until Run returns. A socket
// left behind by a dead predecessor is replaced; one that a living process
// serves is an error.
func Listen(path string, log *zap.Logger) (*Server, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("directory of the control socket: %w", err)
	}
	if err := removeStale(path); err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return &Server{
		log:      log,
		listener: l,
		accept:   l.AcceptUnix,
		handlers: make(map[string]Handler),
		clients:  make(map[*peer]struct{}),
	}, nil
}

// removeStale removes the socket at path if nobody answers there.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("%s exists and is not a socket", path)
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		c.Close()
		return fmt.Errorf("%s is served by another process", path)
	}
	return os.Remove(path)
}

// Handle names the handler of a method. A role may do so after the socket has
// begun to be served.
func (s *Server) Handle(method string, h Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[method] = h
}

// Run serves clients until ctx ends, hangs up on all of them and removes the
// socket.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var clients sync.WaitGroup
	defer clients.Wait()
	defer context.AfterFunc(ctx, func() { s.listener.Close() })()
	for {
		conn, err := s.accept()
		switch {
		case scarce(err): // a client waits, nobody is refused
			s.log.Warn("control client has to wait", zap.Error(err))
			select {
			case <-time.After(acceptPause):
			case <-ctx.Done():
			}
			continue
		case err != nil:
			cancel()
			s.listener.Close()
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			return fmt.Errorf("control socket: %w", err)
		}
		p := &peer{server: s, conn: conn, out: make(chan []byte, maxQueue)}
		if err := s.admit(p); err != nil {
			s.log.Warn("control client refused", zap.Error(err))
			conn.Close()
			continue
		}
		clients.Go(func() { p.serve(ctx) })
	}
}

// admit lets in whoever may command the daemon anyway.
func (s *Server) admit(p *peer) error {
	raw, err := p.conn.SyscallConn()
	if err != nil {
		return err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return err
	}
	if credErr != nil {
		return credErr
	}
	if cred.Uid != 0 && int(cred.Uid) != os.Geteuid() {
		return fmt.Errorf("user %d (process %d) may not command this daemon", cred.Uid, cred.Pid)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.clients) >= maxClients {
		return fmt.Errorf("%d clients are connected already", maxClients)
	}
	s.clients[p] = struct{}{}
	return nil
}

func (s *Server) forget(p *peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, p)
}

// Publish sends an event to every client that asked for events. It never
// blocks: a client that has let too many of them wait is disconnected. It
// costs next to nothing while nobody watches.
func (s *Server) Publish(kind string, data any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var line []byte
	for p := range s.clients {
		if !p.watching.Load() {
			continue
		}
		if line == nil {
			if line = encodeEvent(kind, data); line == nil {
				s.log.Error("event cannot be encoded", zap.String("event", kind))
				return
			}
		}
		select {
		case p.out <- line:
		default:
			p.conn.Close()
		}
	}
}

func encodeEvent(kind string, data any) []byte {
	raw, err := json.Marshal(data)
	if err != nil {
		return nil
	}
	line, err := json.Marshal(Event{Kind: kind, Time: time.Now(), Data: raw})
	if err != nil {
		return nil
	}
	return append(line, '\n')
}

// peer is one connected client.
type peer struct {
	server   *Server
	conn     *net.UnixConn
	out      chan []byte // owned by serve; complete lines
	watching atomic.Bool // wants events
}

// serve reads requests until the client hangs up or ctx ends.
func (p *peer) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer context.AfterFunc(ctx, func() { p.conn.Close() })()
	var writer sync.WaitGroup
	writer.Go(func() {
		defer cancel()
		p.write(ctx)
	})
	defer writer.Wait()
	defer cancel()
	defer p.server.forget(p)

	in := bufio.NewScanner(p.conn)
	in.Buffer(make([]byte, 0, 4096), maxRequest)
	for in.Scan() {
		line := p.server.answer(ctx, p, in.Bytes())
		select {
		case p.out <- line:
		case <-ctx.Done():
			return
		}
	}
	if err := in.Err(); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.EOF) {
		p.server.log.Debug("control client dropped", zap.Error(err))
	}
}

// write sends what serve and Publish queue.
func (p *peer) write(ctx context.Context) {
	for {
		select {
		case line := <-p.out:
			_ = p.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
			if _, err := p.conn.Write(line); err != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// answer carries out one request and returns the line that answers it.
func (s *Server) answer(ctx context.Context, p *peer, line []byte) []byte {
	var req request
	var a answer
	if err := json.Unmarshal(line, &req); err != nil {
		a.Error = "not a request: " + err.Error()
	} else {
		a.ID = req.ID
		result, err := s.call(ctx, p, req)
		if err == nil {
			a.Result, err = json.Marshal(result)
		}
		if err != nil {
			a.Error = err.Error()
		}
	}
	out, err := json.Marshal(a)
	if err != nil { // a handler's RawMessage that is not JSON
		out, _ = json.Marshal(answer{ID: a.ID, Error: err.Error()})
	}
	return append(out, '\n')
}

func (s *Server) call(ctx context.Context, p *peer, req request) (any, error) {
	if req.Method == methodEvents {
		p.watching.Store(true)
		return struct{}{}, nil
	}
	s.mu.Lock()
	h, ok := s.handlers[req.Method]
	s.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("no method is called %q", req.Method)
	}
	return h(ctx, req.Params)
}
