package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/healthcheck/dialogue"
)

// secure is one attempt over TLS. It has a goroutine: the handshake of
// crypto/tls wants to wait.
type secure struct {
	dialer  dialer // its own: a reload prepares the job anew
	config  *tls.Config
	clear   bool              // the dialogue says when to encrypt
	talk    dialogue.Dialogue // nil: the handshake is enough
	target  string
	timeout time.Duration // for each step
	end     time.Time
	overall time.Duration
	notify  bool // end with a close-notify
	judges  judges
}

func (j *job) secure(s *healthcheck.Spec, js judges) *secure {
	config := j.tls
	notify := false
	if h, ok := s.Ask.(healthcheck.HTTP); ok {
		u := h.URLs[j.check.URL()]
		notify = u.TLSCompliant
		if u.SNI != "" {
			config = config.Clone()
			config.ServerName = u.SNI
		}
	}
	return &secure{
		dialer: j.dialer, config: config, clear: j.plan.Clear, talk: j.talk, target: s.Target.String(),
		timeout: s.ConnectTimeout, end: j.end, overall: s.Overall(), notify: notify, judges: js,
	}
}

func (c *secure) run(ctx context.Context) healthcheck.Result {
	ctx, cancel := context.WithDeadline(ctx, c.end)
	defer cancel()
	for {
		if r, again := c.connection(ctx); !again {
			return r
		}
	}
}

// connection is one connection of the attempt, mostly the only one.
func (c *secure) connection(ctx context.Context) (r healthcheck.Result, again bool) {
	d := net.Dialer{Timeout: c.timeout, Control: c.dialer.control}
	raw, err := d.DialContext(ctx, "tcp", c.target)
	if err != nil {
		return c.undialled(err), false
	}
	s := &stream{secure: c, raw: raw, conn: raw}
	defer s.hangUp()
	// Deadlines bound the steps; this bounds waiting when we are stopped.
	defer context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })()
	if !c.clear {
		if r := s.encrypt(ctx); !r.OK || c.talk == nil {
			return r, false
		}
	}
	return s.converse(ctx)
}

func (c *secure) undialled(err error) healthcheck.Result {
	err = undialled(err)
	var local *localError
	var late net.Error
	if !errors.As(err, &local) && errors.As(err, &late) && late.Timeout() {
		return healthcheck.Result{Fault: healthcheck.FaultTimeout, Reason: fmt.Sprintf("no connection after %v", c.timeout)}
	}
	return broken(err, healthcheck.FaultConnect)
}

// stream is a connection that is encrypted, or going to be.
type stream struct {
	*secure
	raw  net.Conn
	conn net.Conn // raw, or TLS over it
}

// encrypt shakes hands.
func (s *stream) encrypt(ctx context.Context) healthcheck.Result {
	conn := tls.Client(s.raw, s.config)
	s.conn = conn
	_ = s.raw.SetDeadline(earlier(time.Now().Add(s.timeout), s.end))
	if err := conn.HandshakeContext(ctx); err != nil {
		return s.unencrypted(err)
	}
	return healthcheck.Result{OK: true}
}

// unencrypted is what went wrong in a handshake.
func (c *secure) unencrypted(err error) healthcheck.Result {
	r := healthcheck.Result{Fault: healthcheck.FaultTLS, Reason: "TLS: " + strings.TrimPrefix(text(err), "tls: ")}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		r.Fault, r.Reason = healthcheck.FaultTimeout, fmt.Sprintf("TLS: no handshake after %v", c.timeout)
	case errors.Is(err, io.EOF):
		r.Reason = "TLS: connection closed"
	}
	return r
}

// converse is the dialogue over the stream.
func (s *stream) converse(ctx context.Context) (r healthcheck.Result, again bool) {
	buf := make([]byte, 16<<10)
	turn := s.talk.Open()
	for {
		switch {
		case turn.Judge != nil:
			return s.judges.ask(ctx, turn.Judge), false
		case turn.Again:
			return healthcheck.Result{}, true
		case turn.Done:
			if len(turn.Send) > 0 { // goodbye; whether it arrives does not matter
				_, _ = s.conn.Write(turn.Send)
			}
			return turn.Result, false
		}
		now := time.Now()
		if !now.Before(s.end) {
			return tooLong(s.overall), false
		}
		_ = s.raw.SetDeadline(earlier(now.Add(s.timeout), s.end))
		if ctx.Err() != nil { // or the deadline set at that moment may have been undone here
			return tooLong(s.overall), false
		}
		if len(turn.Send) > 0 {
			if _, err := s.conn.Write(turn.Send); err != nil {
				return broken(err, healthcheck.FaultSend), false
			}
		}
		if turn.Encrypt {
			if r := s.encrypt(ctx); !r.OK {
				return r, false
			}
			turn = s.talk.Open()
			continue
		}
		n, err := s.conn.Read(buf)
		switch {
		case n > 0:
			turn = s.talk.Hear(buf[:n])
		case errors.Is(err, os.ErrDeadlineExceeded):
			return s.talk.Silent(), false
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			if turn = s.talk.Closed(); !turn.Done {
				return healthcheck.Result{Fault: healthcheck.FaultRead, Reason: "connection closed"}, false
			}
		case err != nil:
			return broken(err, healthcheck.FaultRead), false
		default:
			turn = dialogue.Turn{}
		}
	}
}

// hangUp closes the connection; quietly, unless asked to be polite.
func (s *stream) hangUp() {
	if s.notify {
		_ = s.conn.Close()
		return
	}
	_ = s.raw.Close()
}

// certificates remembers configurations while many checks are made ready, so
// that each file is read once.
type certificates map[string]*tls.Config

func (c certificates) config(t *healthcheck.TLS) (*tls.Config, error) {
	key := fmt.Sprintf("%+v", *t)
	if have := c[key]; have != nil {
		return have, nil
	}
	made, err := newTLS(t)
	if err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	c[key] = made
	return made, nil
}

// newTLS accepts what keepalived's library would: old versions and ciphers
// are no reason to call a server down, nor is its certificate unless asked.
func newTLS(t *healthcheck.TLS) (*tls.Config, error) {
	config := &tls.Config{
		InsecureSkipVerify: !t.Verify, //nolint:gosec // the question is whether it serves
		ServerName:         t.Name,
		NextProtos:         t.ALPN,
		MinVersion:         tls.VersionTLS10,
	}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		config.CipherSuites = append(config.CipherSuites, suite.ID)
	}
	if t.CA != "" {
		pemBytes, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pemBytes) {
			return nil, fmt.Errorf("%s: no certificate in it", t.CA)
		}
	}
	if t.Certificate == "" && t.Key == "" {
		return config, nil
	}
	cert, err := loadPair(t)
	if err != nil {
		return nil, err
	}
	config.Certificates = []tls.Certificate{cert}
	return config, nil
}

// loadPair reads our certificate and its key, which may be in one file.
func loadPair(t *healthcheck.TLS) (tls.Certificate, error) {
	certFile, keyFile := t.Certificate, t.Key
	if certFile == "" {
		certFile = keyFile
	}
	if keyFile == "" {
		keyFile = certFile
	}
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	if t.Password != "" {
		if key, err = decrypt(key, t.Password); err != nil {
			return tls.Certificate{}, fmt.Errorf("%s: %w", keyFile, err)
		}
	}
	return tls.X509KeyPair(cert, key)
}

// decrypt opens a key protected by a pass phrase in the old PEM way (RFC
// 1423), which is what a pass phrase in a configuration file amounts to.
func decrypt(key []byte, password string) ([]byte, error) {
	var out []byte
	for {
		var block *pem.Block
		block, key = pem.Decode(key)
		if block == nil {
			return out, nil
		}
		//lint:ignore SA1019 there is no other way to read such a key
		if x509.IsEncryptedPEMBlock(block) {
			//lint:ignore SA1019 there is no other way to read such a key
			der, err := x509.DecryptPEMBlock(block, []byte(password))
			if err != nil {
				return nil, err
			}
			block = &pem.Block{Type: block.Type, Bytes: der}
		}
		out = append(out, pem.EncodeToMemory(block)...)
	}
}
