package ipvs_test

import (
	"bufio"
	"crypto/md5"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

func get(url string) string { return "HTTP_GET {\n url {\n " + url + "\n }\n}" }

func digest(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

// trackFile is the file of a patient, and what its number is multiplied with.
func trackFile(weight int) string {
	return fmt.Sprintf("track_file PORTfile {\n file DIR/PORT\n weight %d\n}\n", weight)
}

// The ends of a BFD session.
const bfdHere, bfdThere = "10.8.0.1", "10.8.0.2"

// session is a BFD session from the first to the second of two addresses, with a detection
// time of 0.6 s.
func session(name, from, to string) string {
	return "bfd_instance " + name + " {\n source_ip " + from + "\n neighbor_ip " + to + "\n min_rx 200\n min_tx 200\n idle_tx 200\n multiplier 3\n}\n"
}

func misc(more string) string {
	return "MISC_CHECK {\n misc_path \"DIR/check DIR/PORT\"\n " + more + "\n}"
}

// What servers say.
func hello(_ *bed, c net.Conn) { io.WriteString(c, "hello\n") }

func silence(_ *bed, c net.Conn) { io.Copy(io.Discard, c) }

func page(status, body string) func(*bed, net.Conn) {
	return func(_ *bed, c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			fmt.Fprintf(c, "HTTP/1.0 %s\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
		}
	}
}

// stopping begins a page.
func stopping(_ *bed, c net.Conn) {
	if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
		io.WriteString(c, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhel")
		io.Copy(io.Discard, c)
	}
}

// second has a first page, but no second.
func second(_ *bed, c net.Conn) {
	status := "200 OK"
	if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
		if r.URL.Path == "/second" {
			status = "404 Not Found"
		}
		fmt.Fprintf(c, "HTTP/1.0 %s\r\nContent-Length: 0\r\n\r\n", status)
	}
}

func secure(inner func(*bed, net.Conn)) func(*bed, net.Conn) {
	return func(b *bed, c net.Conn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{b.cert}})
		inner(b, s)
		s.Close()
	}
}

func mailer(greeting string) func(*bed, net.Conn) {
	return func(_ *bed, c net.Conn) {
		in := bufio.NewReader(c)
		for _, line := range []string{greeting + " mx", "250 mx", "221 bye"} {
			fmt.Fprintf(c, "%s\r\n", line)
			if _, err := in.ReadString('\n'); err != nil {
				return
			}
		}
	}
}

func nothing([]byte) []byte { return nil }

func text(s string) func([]byte) []byte { return func([]byte) []byte { return []byte(s) } }

// resolver answers with the question and a code.
func resolver(rcode byte) func([]byte) []byte {
	return func(in []byte) []byte {
		if len(in) < 12 {
			return nil
		}
		out := append([]byte(nil), in...)
		out[2], out[3] = out[2]|0x80, rcode
		return out
	}
}

// How servers change.
type server = func(*bed) func(ill bool)

// refusing closes its port.
func refusing(well func(*bed, net.Conn)) server {
	return func(b *bed) func(bool) {
		s := serveStream(b.t, b.ns, b.addr(), func(c net.Conn) { well(b, c) })
		return func(ill bool) {
			if ill {
				s.close()
			} else {
				s.open()
			}
		}
	}
}

// either says one thing or another.
func either(well, ill func(*bed, net.Conn)) server {
	return func(b *bed) func(bool) {
		serveStream(b.t, b.ns, b.addr(), func(c net.Conn) {
			if b.ill.Load() {
				ill(b, c)
			} else {
				well(b, c)
			}
		})
		return func(bool) {}
	}
}

// vanishing loses its address.
func vanishing(addr string, well func(*bed, net.Conn)) server {
	return func(b *bed) func(bool) {
		serveStream(b.t, b.ns, b.addr(), func(c net.Conn) { well(b, c) })
		here := true
		return func(ill bool) {
			switch {
			case ill && here:
				b.ns.DelAddr("lan", addr+"/32")
			case !ill && !here:
				b.ns.AddAddr("lan", addr+"/32")
			}
			here = !ill
		}
	}
}

func replying(well, ill func([]byte) []byte) server {
	return func(b *bed) func(bool) {
		serveDatagrams(b.t, b.ns, b.addr(), func(in []byte) []byte {
			if b.ill.Load() {
				return ill(in)
			}
			return well(in)
		})
		return func(bool) {}
	}
}

func closing(well func([]byte) []byte) server {
	return func(b *bed) func(bool) {
		s := serveDatagrams(b.t, b.ns, b.addr(), well)
		return func(ill bool) {
			if ill {
				s.close()
			} else if err := s.open(); err != nil {
				b.t.Error(err)
			}
		}
	}
}

// script ends as its file says.
func script(ill string) server { return writing("0", ill) }

func writing(well, ill string) server {
	return func(b *bed) func(bool) {
		return func(on bool) {
			content := well
			if on {
				content = ill
			}
			if err := os.WriteFile(filepath.Join(b.dir, fmt.Sprint(b.port)), []byte(content+"\n"), 0o644); err != nil {
				b.t.Error(err)
			}
		}
	}
}

// cutOff is at the other end of a BFD session, on a network that is down at times.
func cutOff(b *bed) func(bool) {
	peer, sw := b.lab.Namespace("peer"), b.lab.Switch("sw")
	sw.Connect(b.ns, "bfd0", bfdHere+"/24")
	sw.Connect(peer, "bfd0", bfdThere+"/24")
	peer.Daemon(netlab.Holdfast(b.t), session("here", bfdThere, bfdHere), "-C")
	return func(ill bool) {
		if ill {
			peer.Down("bfd0")
		} else {
			peer.Up("bfd0")
		}
	}
}

// both change at once.
func both(one, two server) server {
	return func(b *bed) func(bool) {
		first, other := one(b), two(b)
		return func(ill bool) { first(ill); other(ill) }
	}
}
