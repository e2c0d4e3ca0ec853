package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
	"time"
)

// Client is a connection to a role. It is for one goroutine.
type Client struct {
	conn net.Conn
	in   *bufio.Reader
	next uint64
}

// Dial connects to the role that serves the socket at path. The error wraps
// ErrNotRunning when there is none.
func Dial(ctx context.Context, path string) (*Client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%s: %w", path, ErrNotRunning)
	case err != nil:
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return &Client{conn: conn, in: bufio.NewReader(conn)}, nil
}

// Close hangs up.
func (c *Client) Close() error { return c.conn.Close() }

// Call asks for method and waits for the answer, which it decodes into result
// unless that is nil. A refusal is a RemoteError.
func (c *Client) Call(ctx context.Context, method string, params, result any) error {
	defer c.heed(ctx)()
	req := request{ID: c.next + 1, Method: method}
	c.next++
	if params != nil {
		raw, err := json.Marshal(params)
		if err != nil {
			return fmt.Errorf("encode %s: %w", method, err)
		}
		req.Params = raw
	}
	line, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("encode %s: %w", method, err)
	}
	if _, err := c.conn.Write(append(line, '\n')); err != nil {
		return c.explain(ctx, method, err)
	}
	for {
		line, err := c.in.ReadBytes('\n')
		if err != nil {
			return c.explain(ctx, method, err)
		}
		var a answer
		if err := json.Unmarshal(line, &a); err != nil {
			return fmt.Errorf("%s: unreadable answer: %w", method, err)
		}
		switch {
		case a.ID != req.ID: // an event, or the answer to a call given up
			continue
		case a.Error != "":
			return RemoteError(a.Error)
		case result == nil:
			return nil
		}
		if err := json.Unmarshal(a.Result, result); err != nil {
			return fmt.Errorf("%s: unexpected answer: %w", method, err)
		}
		return nil
	}
}

// Events calls f with every event from now on, until ctx ends (nil), f returns
// an error, or the other side hangs up.
func (c *Client) Events(ctx context.Context, f func(Event) error) error {
	if err := c.Call(ctx, methodEvents, nil, nil); err != nil {
		return err
	}
	defer c.heed(ctx)()
	for {
		line, err := c.in.ReadBytes('\n')
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return c.explain(ctx, methodEvents, err)
		}
		var e Event
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("unreadable event: %w", err)
		}
		if e.Kind == "" {
			continue
		}
		if err := f(e); err != nil {
			return err
		}
	}
}

// heed lets ctx interrupt reads and writes until the returned function is called.
func (c *Client) heed(ctx context.Context) (done func()) {
	_ = c.conn.SetDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	return func() { stop() }
}

func (c *Client) explain(ctx context.Context, method string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", method, context.Cause(ctx))
	}
	return fmt.Errorf("%s: connection lost: %w", method, err)
}
