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
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// agreement is how far apart the two daemons may be, on a machine that lets them run.
const agreement = 500 * time.Millisecond

// TestCheckersKeepTime lets servers of every kind that keepalived checks fail and recover,
// twice, each in its own way, with keepalived and with holdfast. Each server fails a fixed
// time after its daemon has changed the table, so that both are at the same point of their
// periods, and the time until the next change is compared: it is made of periods, retries,
// delays and timeouts. A difference counts when it is there three times.
func TestCheckersKeepTime(t *testing.T) {
	only := map[string]bool{}
	for try := 1; ; try++ {
		var ref, ours map[string][]moment
		stalls := lab(t).WatchStalls()
		t.Run(fmt.Sprintf("try %d", try), func(t *testing.T) {
			t.Run("keepalived", func(t *testing.T) {
				t.Parallel()
				ref = newTrial(t, netlab.Keepalived, chosen(only)).run()
			})
			t.Run("holdfast", func(t *testing.T) {
				t.Parallel()
				ours = newTrial(t, netlab.Holdfast(t), chosen(only)).run()
			})
		})
		if t.Failed() {
			return
		}
		clear(only)
		apart := agreement + 2*stalls.Worst()
		for _, p := range patients {
			if a := ref[p.name]; len(a) > 0 && strings.HasPrefix(a[len(a)-1].to, "never") {
				t.Errorf("%s: not even keepalived: %v; holdfast %v", p.name, a, ours[p.name])
			} else if !agree(a, ours[p.name], apart) {
				only[p.name] = true
				t.Logf("try %d: %s: keepalived %v, holdfast %v", try, p.name, ref[p.name], ours[p.name])
			} else if len(ref[p.name]) > 0 && testing.Verbose() {
				t.Logf("%-28s keepalived %v, holdfast %v", p.name, ref[p.name], ours[p.name])
			}
		}
		if len(only) == 0 {
			return
		}
		if try == 3 {
			for name := range only {
				t.Errorf("%s: moments differ by more than %v, three times", name, apart)
			}
			return
		}
	}
}

// moment is a change of the table, and how long it took since the server changed.
type moment struct {
	to   string // "in", "out", or a weight
	took time.Duration
}

func (m moment) String() string { return fmt.Sprintf("%s %.2fs", m.to, m.took.Seconds()) }

func agree(a, b []moment, apart time.Duration) bool {
	return slices.EqualFunc(a, b, func(a, b moment) bool { return a.to == b.to && (a.took-b.took).Abs() <= apart })
}

// patient is a real server that falls ill, and the check that finds out.
type patient struct {
	name  string
	check string                    // the checker; PORT and DIR are filled in
	serve func(*bed) func(ill bool) // starts it, and returns how to change it
	ill   string                    // what the table has while it is ill; "out" when empty
	first bool                      // not alpha, and ill from the start: the first run counts
	ipv6  bool
	ours  string // what holdfast says on purpose, where keepalived says something else; see TestCheckersAgree
}

// bed is where a patient lies.
type bed struct {
	*trial
	patient
	t    *testing.T
	port int
	turn func(ill bool)
	ill  atomic.Bool
}

func (b *bed) change(ill bool) {
	b.ill.Store(ill)
	b.turn(ill)
}

func (b *bed) addr() string { return fmt.Sprintf(":%d", b.port) }

// patients are all kinds of checks with all that happens to them.
var patients = []patient{
	{name: "tcp refused", check: "TCP_CHECK {\n}", serve: refusing(hello)},
	{name: "tcp without retries", check: "TCP_CHECK {\n retry 0\n}", serve: refusing(hello)},
	{name: "tcp with short delays", check: "TCP_CHECK {\n delay_loop 3\n retry 4\n delay_before_retry 0.3\n}", serve: refusing(hello)},
	{name: "tcp dropped", check: "TCP_CHECK {\n connect_ip 10.9.0.17\n}", serve: vanishing("10.9.0.17", hello)},
	{name: "tcp at first", check: "TCP_CHECK {\n}", serve: refusing(hello), first: true},
	{name: "http refused", check: get("path /"), serve: refusing(page("200 OK", "hello"))},
	{name: "http status", check: get("path /\n status_code 200"), serve: either(page("200 OK", "hello"), page("500 Oops", "hello"))},
	{name: "http hangs", check: get("path /"), serve: either(page("200 OK", "hello"), silence)},
	{name: "http body stops", check: get("path /\n digest " + digest("hello")), serve: either(page("200 OK", "hello"), stopping)},
	{name: "http digest", check: get("path /\n digest " + digest("hello")), serve: either(page("200 OK", "hello"), page("200 OK", "other"))},
	{name: "http regex", check: get("path /\n regex \"h[aeiou]l+\""), serve: either(page("200 OK", "hello"), page("200 OK", "other"))},
	{name: "http dropped", check: strings.Replace(get("path /"), "{", "{\n connect_ip 10.9.0.16", 1), serve: vanishing("10.9.0.16", page("200 OK", "hello"))},
	{name: "http at first", check: get("path /"), serve: either(page("200 OK", "hello"), page("500 Oops", "")), first: true},
	{name: "http slow retries", check: strings.Replace(get("path /"), "{", "{\n delay_before_retry 3\n retry 1", 1), serve: refusing(page("200 OK", "hello"))},
	{name: "http two pages", check: "HTTP_GET {\n url {\n path /\n }\n url {\n path /second\n }\n}", serve: either(page("200 OK", "hello"), second)},
	{name: "http fast recovery", check: "HTTP_GET {\n fast_recovery\n url {\n path /\n }\n url {\n path /second\n }\n}", serve: either(page("200 OK", "hello"), second)},
	{name: "ssl refused", check: "SSL_GET {\n url {\n path /\n }\n}", serve: refusing(secure(page("200 OK", "hello")))},
	{name: "ssl without tls", check: "SSL_GET {\n url {\n path /\n }\n}", serve: either(secure(page("200 OK", "hello")), hello)},
	{name: "ssl hangs", check: "SSL_GET {\n url {\n path /\n }\n}", serve: either(secure(page("200 OK", "hello")), silence)},
	{name: "smtp refused", check: "SMTP_CHECK {\n}", serve: refusing(mailer("220"))},
	{name: "smtp greeting", check: "SMTP_CHECK {\n}", serve: either(mailer("220"), mailer("421"))},
	{name: "smtp hangs", check: "SMTP_CHECK {\n}", serve: either(mailer("220"), silence)},
	{name: "dns rcode", check: "DNS_CHECK {\n type A\n name www.example.org\n}", serve: replying(resolver(0), resolver(2))},
	{name: "dns silent", check: "DNS_CHECK {\n type A\n name www.example.org\n}", serve: replying(resolver(0), nothing)},
	{name: "dns refused", check: "DNS_CHECK {\n type A\n name www.example.org\n}", serve: closing(resolver(0))},
	{name: "misc exit", check: misc(""), serve: script("1")},
	{name: "misc with retries", check: misc("retry 2\n delay_before_retry 1"), serve: script("1")},
	{name: "misc hangs", check: misc("misc_timeout 1"), serve: script("hang")},
	{name: "misc dynamic", check: misc("misc_dynamic"), serve: script("9"), ill: "7"},
	{name: "misc dynamic down", check: misc("misc_dynamic"), serve: script("1")},
	{name: "ping", check: "PING_CHECK {\n connect_ip 10.9.0.18\n}", serve: vanishing("10.9.0.18", hello)},
	{name: "udp refused", check: "UDP_CHECK {\n payload 0099\n}", serve: closing(text("yes"))},
	{name: "udp silent", check: "UDP_CHECK {\n payload 0099\n require_reply\n}", serve: replying(text("yes"), nothing)},
	{name: "udp other reply", check: "UDP_CHECK {\n payload 0099\n require_reply 796573\n}", serve: replying(text("yes"), text("nay"))},
	{name: "file", check: "FILE_CHECK {\n track_file PORTdown\n}", serve: number("down")},
	{name: "file weight", check: "FILE_CHECK {\n track_file PORTweight\n}", serve: number("weight"), ill: "7"},
	{name: "tcp and misc", check: "TCP_CHECK {\n}\n" + misc("retry 1\n delay_before_retry 1"), serve: both(refusing(hello), script("1"))},
}

// chosen are the patients with these names, or all.
func chosen(names map[string]bool) []patient {
	if len(names) == 0 {
		return patients
	}
	return slices.DeleteFunc(slices.Clone(patients), func(p patient) bool { return !names[p.name] })
}

// trial is one daemon with all its patients in one host.
type trial struct {
	t    *testing.T
	bin  string
	beds []*bed
	ns   *netlab.Namespace
	dir  string
	cert tls.Certificate

	mu    sync.Mutex
	table map[int]string // weight by port of the service
}

func newTrial(t *testing.T, bin string, patients []patient) *trial {
	t.Helper()
	r := &trial{t: t, bin: bin, ns: lab(t).Namespace("lb"), dir: t.TempDir(), cert: certificate(t)}
	r.ns.AddLink(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "lan"}})
	r.ns.AddAddr("lan", "10.9.0.1/24", "10.9.0.100/32", "10.9.0.11/32", "10.9.0.16/32", "10.9.0.17/32", "10.9.0.18/32", "fd09::1/64", "fd09::100/128", "fd09::11/128")
	for i, p := range patients {
		r.beds = append(r.beds, &bed{trial: r, t: t, patient: p, port: 2000 + i})
	}
	path := filepath.Join(r.dir, "check")
	// The file says how to end. A program that hangs is not to leave anything behind.
	if err := os.WriteFile(path, []byte("#!/bin/sh\nread -r how <\"$1\"\n[ \"$how\" = hang ] && exec sleep 20\nexit \"$how\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return r
}

// begin starts everything, and returns when.
func (r *trial) begin() time.Time {
	var conf strings.Builder
	conf.WriteString("global_defs {\n script_user root\n}\n")
	for _, b := range r.beds {
		r.write(&conf, b)
		b.turn = b.patient.serve(b)
		b.change(b.first)
	}
	began := time.Now()
	d := r.ns.Daemon(r.bin, conf.String(), "-C")
	r.t.Cleanup(func() {
		d.Stop()
		if r.t.Failed() {
			r.t.Logf("the log:\n%s", d.Log())
		}
	})
	return began
}

// run returns what happened to each patient.
func (r *trial) run() map[string][]moment {
	began := r.begin()
	stop, watched := make(chan struct{}), make(chan struct{})
	go func() { defer close(watched); r.watch(stop) }()
	defer func() { close(stop); <-watched }()
	var mu sync.Mutex
	var all sync.WaitGroup
	out := make(map[string][]moment)
	for _, b := range r.beds {
		all.Go(func() {
			seen := r.follow(b, began)
			mu.Lock()
			defer mu.Unlock()
			out[b.name] = seen
		})
	}
	all.Wait()
	return out
}

// write adds the service of a patient to the configuration.
func (r *trial) write(to *strings.Builder, b *bed) {
	check := strings.NewReplacer("PORT", fmt.Sprint(b.port), "DIR", r.dir).Replace(b.check)
	for _, weight := range []string{"down", "weight"} {
		if name := fmt.Sprint(b.port, weight); strings.Contains(check, name) {
			factor := map[string]int{"down": 0, "weight": 1}[weight]
			fmt.Fprintf(to, "track_file %s {\n file %s/%d\n weight %d\n}\n", name, r.dir, b.port, factor)
		}
	}
	alpha, vip, real := "alpha", "10.9.0.100", "10.9.0.11"
	if b.first {
		alpha = ""
	}
	if b.ipv6 {
		vip, real = "fd09::100", "fd09::11"
	}
	fmt.Fprintf(to, "virtual_server %s %d {\n delay_loop 2\n retry 2\n delay_before_retry 1\n connect_timeout 1\n warmup 0\n lb_algo rr\n lb_kind NAT\n protocol TCP\n"+
		" %s\n real_server %s %d {\n weight 10\n %s\n }\n}\n", vip, b.port, alpha, real, b.port, check)
}

// follow lets a patient fall ill and recover, and notes when the daemon knew.
func (r *trial) follow(b *bed, began time.Time) []moment {
	// Long enough that what happens falls into the middle of a period.
	const pause = 2600 * time.Millisecond
	ill, well := b.patient.ill, "10"
	if ill == "" {
		ill = "out"
	}
	first, states := well, []string{ill, well, ill, well}
	if b.first {
		first, states = ill, []string{well, ill, well}
	}
	took, ok := r.await(b.port, first, began)
	seen := []moment{{first, took}}
	for _, state := range states {
		if !ok {
			return append(seen, moment{"never " + state, 0})
		}
		<-time.After(pause)
		at := time.Now()
		b.change(state == ill)
		took, ok = r.await(b.port, state, at)
		seen = append(seen, moment{state, took})
	}
	return seen
}

// await waits until the table has a patient in a state.
func (r *trial) await(port int, state string, since time.Time) (time.Duration, bool) {
	_, ok := netlab.Poll(20*time.Second, func() bool { return r.state(port) == state })
	return time.Since(since), ok
}

// state is the weight of a patient, or "out"; empty while nothing is known.
func (r *trial) state(port int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch weight, in := r.table[port]; {
	case r.table == nil:
		return ""
	case in:
		return weight
	}
	return "out"
}

// watch reads the table again and again.
func (r *trial) watch(stop chan struct{}) {
	for tick := time.Tick(20 * time.Millisecond); ; {
		select {
		case <-stop:
			return
		case <-tick:
		}
		table, services := make(map[int]string), 0
		port := 0
		text := r.ns.ProcIPVS()
		if len(text) >= os.Getpagesize() { // the kernel skips lines there, for the sake of other namespaces
			r.t.Error("the table is too long to be read at once")
			return
		}
		for line := range strings.Lines(text) {
			f := strings.Fields(line)
			switch {
			case len(f) > 1 && f[0] == "TCP":
				services++
				fmt.Sscanf(f[1][strings.LastIndexByte(f[1], ':')+1:], "%x", &port)
			case len(f) > 3 && f[0] == "->" && port != 0:
				table[port] = f[3]
			}
		}
		if services == 0 { // not begun yet
			continue
		}
		r.mu.Lock()
		r.table = table
		r.mu.Unlock()
	}
}

func get(url string) string { return "HTTP_GET {\n url {\n " + url + "\n }\n}" }

func digest(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

func misc(more string) string {
	return "MISC_CHECK {\n misc_path \"DIR/check DIR/PORT\"\n " + more + "\n}"
}

// What servers say.

func hello(_ *bed, c net.Conn)   { io.WriteString(c, "hello\n") }
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

// number is in a track file.
func number(kind string) server {
	return writing("0", map[string]string{"down": "1", "weight": "-3"}[kind])
}

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

// both change at once.
func both(one, two server) server {
	return func(b *bed) func(bool) {
		first, other := one(b), two(b)
		return func(ill bool) { first(ill); other(ill) }
	}
}
