// Package genhash is the command that fetches a page as a health check would
// and prints the digest of its body, for the digest keyword of HTTP_GET and
// SSL_GET.
package genhash

import (
	"context"
	"crypto/md5"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/healthcheck"
	"github.com/holdfast-lb/holdfast/healthcheck/dialogue"
)

// most is how much of an answer is read.
const most = 256 << 20

// Run is the command with its arguments, without its name. It returns the exit
// status: 0, or 1 when the arguments are wrong or there is no answer.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args)
	switch {
	case errors.Is(err, errHelp):
		fmt.Fprint(stderr, usage)
		return 0
	case err != nil:
		if err.Error() != "" {
			fmt.Fprintln(stderr, err)
		}
		fmt.Fprint(stderr, usage)
		return 1
	}
	start := time.Now()
	answer, err := o.fetch(ctx)
	if err != nil {
		fmt.Fprintf(stderr, "Connection failed: %v\n", err)
		return 1
	}
	head, body, err := dialogue.Split(answer)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	sum := md5.Sum(body)
	if !o.verbose {
		fmt.Fprintf(stdout, "%x\n", sum)
		return 0
	}
	show(stdout, head, body, sum[:])
	fmt.Fprintf(stdout, "\nGlobal response time for [%s] = %d usecs\n", o.url, time.Since(start).Microseconds())
	return 0
}

// fetch asks for the page and returns the whole answer.
func (o *options) fetch(ctx context.Context) ([]byte, error) {
	d := net.Dialer{Timeout: o.timeout, Control: o.mark}
	conn, err := d.DialContext(ctx, "tcp", o.target.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if err := conn.SetDeadline(time.Now().Add(o.timeout)); err != nil {
		return nil, err
	}
	if o.ssl {
		config := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10} //nolint:gosec // as the checks do
		if o.sni {
			config.ServerName = o.host
		}
		conn = tls.Client(conn, config)
	}
	request := dialogue.Request(o.protocol, healthcheck.URL{Path: o.url, Host: o.host}, o.target)
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(io.LimitReader(conn, most))
	if err != nil && len(answer) == 0 {
		return nil, err
	}
	return answer, nil
}

// mark sets the firewall mark of the connection.
func (o *options) mark(_, _ string, c syscall.RawConn) error {
	if o.fwmark == 0 {
		return nil
	}
	var err error
	if e := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, int(o.fwmark)) }); e != nil {
		return e
	}
	return err
}

// show prints everything that was got.
func show(w io.Writer, head, body, sum []byte) {
	fmt.Fprintln(w, "-----------------------[    HTTP Header Buffer    ]-----------------------")
	dump(w, head)
	fmt.Fprintln(w, "-----------------------[ HTTP Header Ascii Buffer ]-----------------------")
	fmt.Fprintf(w, "%s\n", head)
	fmt.Fprintln(w, "-----------------------[        HTML Buffer        ]-----------------------")
	dump(w, body)
	fmt.Fprintln(w, "\n-----------------------[    HTML hash resulting    ]-----------------------")
	dump(w, sum)
	fmt.Fprintln(w, "-----------------------[ HTML hash final resulting ]-----------------------")
	fmt.Fprintf(w, "%x\n", sum)
}

// dump prints sixteen bytes a line: where they are, in hex, as text.
func dump(w io.Writer, b []byte) {
	for at := 0; at < len(b); at += 16 {
		row := b[at:min(at+16, len(b))]
		fmt.Fprintf(w, "%04d  ", at)
		text := [16]byte{}
		for i := range 16 {
			if i == 8 {
				if len(row) > 8 {
					fmt.Fprint(w, "- ")
				} else {
					fmt.Fprint(w, "  ")
				}
			}
			text[i] = ' '
			if i >= len(row) {
				fmt.Fprint(w, "   ")
				continue
			}
			fmt.Fprintf(w, "%02x ", row[i])
			text[i] = '.'
			if ' ' <= row[i] && row[i] <= '~' {
				text[i] = row[i]
			}
		}
		fmt.Fprintf(w, "  %s\n", text[:])
	}
}
