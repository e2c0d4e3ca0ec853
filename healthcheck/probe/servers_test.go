package probe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// These tests check Debian's own servers, started on loopback. The ones that
// are not installed are skipped, unless HOLDFAST_LAB=require says that they
// have to be there.

// program is a server's program; the test ends without it.
func program(t *testing.T, name, pkg string) string {
	t.Helper()
	for _, dir := range []string{"/usr/sbin/", "/usr/bin/", "/usr/local/bin/"} {
		if _, err := os.Stat(dir + name); err == nil {
			return dir + name
		}
	}
	if os.Getenv("HOLDFAST_LAB") == "require" {
		t.Fatalf("%s is missing: install Debian's %s", name, pkg)
	}
	t.Skipf("%s is missing: install Debian's %s", name, pkg)
	return ""
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("starting this server needs root")
	}
}

// account says as whom to run.
func account(t *testing.T, name string) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// workDir is a short path, as sockets want it, that the account may use.
func workDir(t *testing.T, as *syscall.Credential) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "hf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if as != nil {
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// run runs a command that prepares a server.
func run(t *testing.T, as *syscall.Credential, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// daemon is a server's process with its children.
type daemon struct{ cmd *exec.Cmd }

// start starts a server, which stays in the foreground, and waits until
// somebody listens at the address; "" does not wait.
func start(t *testing.T, as *syscall.Credential, at, name string, args ...string) *daemon {
	t.Helper()
	var out strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as, Setsid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d := &daemon{cmd}
	t.Cleanup(func() {
		d.signal(syscall.SIGKILL)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, out.String())
		}
	})
	for end, tick := time.Now().Add(20*time.Second), time.Tick(50*time.Millisecond); at != ""; <-tick {
		c, err := net.DialTimeout("tcp", at, time.Second)
		if err == nil {
			c.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not listen at %s", name, at)
		}
	}
	return d
}

// signal reaches the server and its descendants, whatever sessions they made.
func (d *daemon) signal(s syscall.Signal) {
	out, err := exec.Command("ps", "-e", "-o", "pid=,ppid=").Output()
	if err != nil {
		return
	}
	children := make(map[int][]int)
	for _, line := range strings.Split(string(out), "\n") {
		var pid, parent int
		if _, err := fmt.Sscan(line, &pid, &parent); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	all := []int{d.cmd.Process.Pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	for _, pid := range all {
		_ = syscall.Kill(pid, s)
	}
}

// story checks a server that is well, then hangs, then is well again, then is
// gone; and what fails all the time.
func story(t *testing.T, d *daemon, target string, good map[string]healthcheck.Question, bad map[string]badQuestion) {
	t.Helper()
	var specs []healthcheck.Spec
	for name, ask := range good {
		s := check(name, ask, target)
		s.DelayLoop, s.ConnectTimeout = 200*time.Millisecond, 2*time.Second
		specs = append(specs, s)
	}
	for name, b := range bad {
		s := check(name, b.ask, target)
		s.DelayLoop, s.ConnectTimeout = time.Hour, 2*time.Second
		specs = append(specs, s)
	}
	w := newWorld(t, specs...)
	for name, ev := range w.verdicts(t) {
		if b, ok := bad[name]; ok {
			if ev.Up || !strings.Contains(ev.Result.Reason, b.reason) {
				t.Errorf("%s: %+v, want %q", name, ev, b.reason)
			}
		} else if !ev.Up {
			t.Errorf("%s: %+v, want up", name, ev)
		}
	}
	if t.Failed() {
		return
	}
	turn := func(what string, up bool, faults ...healthcheck.Fault) {
		t.Helper()
		for range good {
			ev := w.next(t)
			ok := ev.Up == up && ev.Turned && (up || len(faults) == 0)
			for _, f := range faults {
				ok = ok || ev.Up == up && ev.Turned && ev.Result.Fault == f
			}
			if !ok {
				t.Errorf("%s: %+v", what, ev)
			}
		}
	}
	if overTCP(good) {
		troubled(t, target, good)
	}
	d.signal(syscall.SIGSTOP)
	turn("stopped", false, healthcheck.FaultReadTimeout, healthcheck.FaultTLS, healthcheck.FaultTimeout)
	d.signal(syscall.SIGCONT)
	turn("goes on", true)
	d.signal(syscall.SIGKILL)
	turn("killed", false)
}

// overTCP reports whether these questions go over connections.
func overTCP(questions map[string]healthcheck.Question) bool {
	for _, q := range questions {
		switch q.(type) {
		case healthcheck.DNS, healthcheck.Radius:
			return false
		}
	}
	return true
}

// answers checks a server that is well once.
func answers(t *testing.T, target string, good map[string]healthcheck.Question, bad map[string]badQuestion) {
	t.Helper()
	var specs []healthcheck.Spec
	for name, ask := range good {
		specs = append(specs, check(name, ask, target))
	}
	for name, b := range bad {
		specs = append(specs, check(name, b.ask, target))
	}
	for i := range specs {
		specs[i].DelayLoop, specs[i].ConnectTimeout = time.Hour, 5*time.Second
	}
	for name, ev := range newWorld(t, specs...).verdicts(t) {
		if b, ok := bad[name]; ok {
			if ev.Up || !strings.Contains(ev.Result.Reason, b.reason) {
				t.Errorf("%s: %+v, want %q", name, ev, b.reason)
			}
		} else if !ev.Up {
			t.Errorf("%s: %+v, want up", name, ev)
		}
	}
}

// badQuestion is one that must fail, and what the reason must contain.
type badQuestion struct {
	ask    healthcheck.Question
	reason string
}

type (
	asks map[string]healthcheck.Question
	fail map[string]badQuestion
)

// selfSigned makes a certificate and its key.
func selfSigned(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "www.example.org"}, DNSNames: []string{"www.example.org"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, dir, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		write(t, dir, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
}

// certificateOf makes a certificate whose key only one account may read.
func certificateOf(t *testing.T, dir string, as *syscall.Credential) (cert, key string) {
	t.Helper()
	cert, key = selfSigned(t, dir)
	if err := os.Chown(key, int(as.Uid), int(as.Gid)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(key, 0o600); err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// verified knows the authority of a certificate, and a stranger does not.
func verified(ca string) *healthcheck.TLS {
	return &healthcheck.TLS{Verify: true, CA: ca, Name: "www.example.org"}
}

// later is the same for protocols that begin in the clear.
func later(ca string) *healthcheck.TLS {
	return &healthcheck.TLS{Later: true, Verify: true, CA: ca, Name: "www.example.org"}
}

var (
	stranger      = &healthcheck.TLS{Verify: true, Name: "www.example.org"}
	laterStranger = &healthcheck.TLS{Later: true, Verify: true, Name: "www.example.org"}
)

func TestNginx(t *testing.T) {
	t.Parallel()
	nginx, dir := program(t, "nginx", "nginx-light"), workDir(t, nil)
	cert, key := selfSigned(t, dir)
	write(t, dir, "index.html", "hello")
	write(t, dir, "health", `{"status": "ok"}`)
	conf := func(port, extra string) string {
		return fmt.Sprintf("daemon off;\npid %[1]s/pid%[2]s;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\nroot %[1]s;\nserver {\nlisten 127.0.0.1:%[2]s %[3]s;\nadd_header X-Test yes;\n"+
			"ssl_certificate %[4]s;\nssl_certificate_key %[5]s;\nlocation /gone {\nreturn 503;\n}\nlocation /away {\nreturn 302 /;\n}\n}\n}\n", dir, port, extra, cert, key)
	}
	t.Run("plain", func(t *testing.T) {
		at := closedPort(t)
		_, port, _ := net.SplitHostPort(at)
		d := start(t, nil, at, nginx, "-e", "stderr", "-c", write(t, dir, "plain.conf", conf(port, "")))
		story(t, d, at, asks{
			"digest": get(healthcheck.URL{Path: "/", Digest: md5sum("hello")}),
			"1.1":    healthcheck.HTTP{Protocol: healthcheck.HTTP11, URLs: []healthcheck.URL{{Path: "/"}}},
			"302":    get(healthcheck.URL{Path: "/away", Status: []healthcheck.StatusRange{{Low: 302, High: 302}}}),
			"json": healthcheck.HTTPRequest{
				Path: "/health", JSON: []healthcheck.JSONValue{{Path: "status", Value: "ok"}},
				Expect: []healthcheck.Header{{Name: "X-Test", Value: "^yes$"}},
			},
		}, fail{
			"503":       {get(healthcheck.URL{Path: "/gone"}), "status 503, wanted 200-299"},
			"404":       {get(healthcheck.URL{Path: "/nowhere"}), "status 404"},
			"header":    {healthcheck.HTTPRequest{Expect: []healthcheck.Header{{Name: "X-Test", Value: "no"}}}, "no header x-test"},
			"tls":       {healthcheck.HTTP{TLS: &healthcheck.TLS{}, URLs: []healthcheck.URL{{Path: "/"}}}, "TLS"},
			"websocket": {healthcheck.WebSocket{}, "server said"},
		})
	})
	t.Run("TLS", func(t *testing.T) {
		at := closedPort(t)
		_, port, _ := net.SplitHostPort(at)
		d := start(t, nil, at, nginx, "-e", "stderr", "-c", write(t, dir, "tls.conf", conf(port, "ssl http2")))
		verified := verified(cert)
		story(t, d, at, asks{
			"digest":   healthcheck.HTTP{TLS: &healthcheck.TLS{}, URLs: []healthcheck.URL{{Path: "/", Digest: md5sum("hello")}}},
			"HTTP/2":   healthcheck.HTTPRequest{TLS: verified, HTTP2: true, Path: "/health", JSON: []healthcheck.JSONValue{{Path: "status", Value: "ok"}}},
			"verified": healthcheck.HTTPRequest{TLS: verified},
		}, fail{
			"other name":    {healthcheck.HTTPRequest{TLS: &healthcheck.TLS{Verify: true, CA: cert, Name: "www.example.com"}}, "www.example.com"},
			"unknown to us": {healthcheck.HTTPRequest{TLS: &healthcheck.TLS{Verify: true, Name: "www.example.org"}}, "unknown authority"},
			"no file":       {healthcheck.HTTPRequest{TLS: &healthcheck.TLS{}, HTTP2: true, Path: "/nowhere"}, "status 404"},
		})
	})
}

func TestRedis(t *testing.T) {
	t.Parallel()
	redis, dir, at := program(t, "redis-server", "redis-server"), workDir(t, nil), closedPort(t)
	_, port, _ := net.SplitHostPort(at)
	cert, key := selfSigned(t, dir)
	secure := closedPort(t)
	_, securePort, _ := net.SplitHostPort(secure)
	d := start(t, nil, at, redis, "--port", port, "--bind", "127.0.0.1", "--requirepass", "secret", "--save", "", "--dir", dir,
		"--tls-port", securePort, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no")
	answers(t, secure, asks{"TLS": healthcheck.Redis{TLS: verified(cert), Password: "secret"}}, fail{
		"unknown to us": {healthcheck.Redis{TLS: stranger, Password: "secret"}, "unknown authority"},
		"plain":         {healthcheck.Redis{Password: "secret"}, ""}, // reset or closed
	})
	story(t, d, at, asks{
		"ping":   healthcheck.Redis{Password: "secret"},
		"master": healthcheck.Redis{Username: "default", Password: "secret", Role: "master"},
	}, fail{
		"replica":        {healthcheck.Redis{Password: "secret", Role: "replica"}, "server said"},
		"no password":    {healthcheck.Redis{}, "NOAUTH"},
		"wrong password": {healthcheck.Redis{Password: "wrong"}, "WRONGPASS"},
	})
}

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	needRoot(t)
	postgres := program(t, "postgres", "postgresql")
	real, err := filepath.EvalSymlinks(postgres)
	if err != nil {
		t.Fatal(err)
	}
	as := account(t, "postgres")
	dir, at := workDir(t, as), closedPort(t)
	_, port, _ := net.SplitHostPort(at)
	secret := write(t, dir, "secret", "sesame\n")
	data := filepath.Join(dir, "data")
	run(t, as, filepath.Join(filepath.Dir(real), "initdb"), "-D", data, "-A", "scram-sha-256", "--pwfile", secret, "-N", "-U", "postgres")
	cert, key := certificateOf(t, dir, as)
	d := start(t, as, at, real, "-D", data, "-p", port, "-k", dir, "-h", "127.0.0.1",
		"-c", "ssl=on", "-c", "ssl_cert_file="+cert, "-c", "ssl_key_file="+key)
	login := func(tls *healthcheck.TLS) healthcheck.PgSQL {
		return healthcheck.PgSQL{TLS: tls, Username: "postgres", Password: "sesame", Query: "select 1"}
	}
	waitFor(t, login(nil), at) // it listens before it is ready
	answers(t, at, asks{"TLS": login(verified(cert))}, fail{"unknown to us": {login(stranger), "unknown authority"}})
	story(t, d, at, asks{
		"greets": healthcheck.PgSQL{},
		"login":  healthcheck.PgSQL{Username: "postgres", Password: "sesame"},
		"query":  healthcheck.PgSQL{Username: "postgres", Password: "sesame", Database: "postgres", Query: "select 1 where true"},
	}, fail{
		"wrong password": {healthcheck.PgSQL{Username: "postgres", Password: "wrong"}, "28P01"},
		"no database":    {healthcheck.PgSQL{Username: "postgres", Password: "sesame", Database: "none"}, "3D000"},
		"no row":         {healthcheck.PgSQL{Username: "postgres", Password: "sesame", Query: "select 1 where false"}, "no row"},
		"bad query":      {healthcheck.PgSQL{Username: "postgres", Password: "sesame", Query: "selec"}, "42601"},
	})
}

func TestMariaDB(t *testing.T) {
	t.Parallel()
	needRoot(t)
	mariadb := program(t, "mariadbd", "mariadb-server")
	as := account(t, "mysql")
	dir, at := workDir(t, as), closedPort(t)
	_, port, _ := net.SplitHostPort(at)
	data := filepath.Join(dir, "data")
	users := write(t, dir, "users.sql", "CREATE USER 'check'@'%' IDENTIFIED BY 'sesame';\n")
	run(t, as, program(t, "mariadb-install-db", "mariadb-server"), "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
	cert, key := certificateOf(t, dir, as)
	d := start(t, as, at, mariadb, "--no-defaults", "--datadir="+data, "--port="+port, "--bind-address=127.0.0.1",
		"--socket="+dir+"/s", "--pid-file="+dir+"/pid", "--init-file="+users, "--ssl-cert="+cert, "--ssl-key="+key)
	login := func(tls *healthcheck.TLS) healthcheck.MySQL {
		return healthcheck.MySQL{TLS: tls, Username: "check", Password: "sesame", Query: "select 1"}
	}
	answers(t, at, asks{"TLS": login(verified(cert)), "TLS without a user": healthcheck.MySQL{TLS: verified(cert)}}, fail{
		"unknown to us": {login(stranger), "unknown authority"},
	})
	story(t, d, at, asks{
		"greets": healthcheck.MySQL{},
		"login":  healthcheck.MySQL{Username: "check", Password: "sesame"},
		"query":  healthcheck.MySQL{Username: "check", Password: "sesame", Database: "information_schema", Query: "select 1"},
	}, fail{
		"wrong password": {healthcheck.MySQL{Username: "check", Password: "wrong"}, "1045"},
		"no row":         {healthcheck.MySQL{Username: "check", Password: "sesame", Query: "select 1 from dual where false"}, "no row"},
		"bad query":      {healthcheck.MySQL{Username: "check", Password: "sesame", Query: "selec"}, "1064"},
	})
}

func TestSlapd(t *testing.T) {
	t.Parallel()
	slapd, dir, at := program(t, "slapd", "slapd"), workDir(t, nil), closedPort(t)
	cert, key := selfSigned(t, dir)
	conf := write(t, dir, "slapd.conf", "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile "+dir+"/pid\nTLSCertificateFile "+cert+"\nTLSCertificateKeyFile "+key+"\n"+
		"database mdb\nsuffix dc=example\nrootdn cn=admin,dc=example\nrootpw sesame\ndirectory "+dir+"\n")
	ldif := write(t, dir, "data.ldif", "dn: dc=example\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: example\n")
	run(t, nil, program(t, "slapadd", "slapd"), "-f", conf, "-l", ldif)
	secure := closedPort(t)
	d := start(t, nil, at, slapd, "-f", conf, "-h", "ldap://"+at+"/ ldaps://"+secure+"/", "-d", "0")
	entry := func(tls *healthcheck.TLS) healthcheck.LDAP { return healthcheck.LDAP{TLS: tls, Base: "dc=example"} }
	answers(t, at, asks{"STARTTLS": entry(later(cert))}, fail{"unknown to us": {entry(laterStranger), "unknown authority"}})
	answers(t, secure, asks{"TLS": entry(verified(cert))}, fail{"unknown to us": {entry(stranger), "unknown authority"}})
	story(t, d, at, asks{
		"anonymous": healthcheck.LDAP{},
		"bind":      healthcheck.LDAP{BindDN: "cn=admin,dc=example", Password: "sesame"},
		"entry":     healthcheck.LDAP{BindDN: "cn=admin,dc=example", Password: "sesame", Base: "dc=example"},
	}, fail{
		"wrong password": {healthcheck.LDAP{BindDN: "cn=admin,dc=example", Password: "wrong"}, "result code 49"},
		"no entry":       {healthcheck.LDAP{Base: "dc=nowhere"}, "result code 32"},
	})
}

func TestDovecot(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dovecot, dir := program(t, "dovecot", "dovecot-imapd and dovecot-pop3d"), workDir(t, nil)
	imap, pop3 := closedPort(t), closedPort(t)
	_, imapPort, _ := net.SplitHostPort(imap)
	_, pop3Port, _ := net.SplitHostPort(pop3)
	if err := os.Mkdir(dir+"/mail", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir+"/mail", 0o777); err != nil {
		t.Fatal(err)
	}
	cert, key := selfSigned(t, dir)
	conf := write(t, dir, "dovecot.conf", fmt.Sprintf(`base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = /dev/stderr
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <%[4]s
ssl_key = <%[5]s
disable_plaintext_auth = no
mail_location = maildir:%[1]s/mail
first_valid_uid = 1
service imap-login {
  inet_listener imap {
    port = %[2]s
  }
}
service pop3-login {
  inet_listener pop3 {
    port = %[3]s
  }
}
passdb {
  driver = static
  args = password=sesame
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=%[1]s/mail
}
`, dir, imapPort, pop3Port, cert, key))
	d := start(t, nil, imap, dovecot, "-F", "-c", conf)
	imapCheck := func(user, password string) healthcheck.Session {
		return healthcheck.Session{Protocol: healthcheck.IMAP, Username: user, Password: password}
	}
	session := func(p healthcheck.Protocol, tls *healthcheck.TLS) healthcheck.Session {
		return healthcheck.Session{Protocol: p, TLS: tls, Username: "u", Password: "sesame"}
	}
	answers(t, imap, asks{"STARTTLS": session(healthcheck.IMAP, later(cert))}, fail{"unknown to us": {session(healthcheck.IMAP, laterStranger), "unknown authority"}})
	answers(t, pop3, asks{"STLS": session(healthcheck.POP3, later(cert))}, fail{"unknown to us": {session(healthcheck.POP3, laterStranger), "unknown authority"}})
	w := newWorld(t, check("pop3", healthcheck.Session{Protocol: healthcheck.POP3, Username: "u", Password: "sesame"}, pop3))
	if ev := w.next(t); !ev.Up {
		t.Errorf("pop3: %+v", ev)
	}
	story(t, d, imap, asks{
		"greets": imapCheck("", ""),
		"login":  imapCheck("u", "sesame"),
	}, fail{"pop3": {healthcheck.Session{Protocol: healthcheck.POP3}, "in time"}})
}

func TestPostfix(t *testing.T) {
	t.Parallel()
	needRoot(t)
	postfix, dir, at := program(t, "postfix", "postfix"), workDir(t, nil), closedPort(t)
	_, port, _ := net.SplitHostPort(at)
	for _, sub := range []string{"etc", "queue", "data"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	as := account(t, "postfix")
	if err := os.Chown(dir+"/data", int(as.Uid), int(as.Gid)); err != nil {
		t.Fatal(err)
	}
	etc := filepath.Join(dir, "etc")
	cert, key := selfSigned(t, dir)
	write(t, etc, "main.cf", "compatibility_level = 3.6\nqueue_directory = "+dir+"/queue\ndata_directory = "+dir+"/data\nmyhostname = mail.example.org\n"+
		"inet_interfaces = 127.0.0.1\nmynetworks = 127.0.0.0/8\nmaillog_file = /dev/stdout\nmaillog_file_prefixes = /dev\nsmtpd_helo_restrictions = check_helo_access inline:{{bad.example=REJECT}}\nsmtpd_delay_reject = no\nsmtpd_tls_security_level = may\nsmtpd_tls_cert_file = "+cert+"\nsmtpd_tls_key_file = "+key+"\nalias_maps =\nlocal_recipient_maps =\n")
	write(t, etc, "master.cf", "127.0.0.1:"+port+" inet n - n - - smtpd\npostlog unix-dgram n - n - 1 postlogd\nanvil unix - - n - 1 anvil\n"+
		"tlsmgr unix - - n 1000? 1 tlsmgr\nrewrite unix - - n - - trivial-rewrite\nproxymap unix - - n - - proxymap\n")
	d := start(t, nil, at, postfix, "-c", etc, "start-fg")
	mail := func(tls *healthcheck.TLS) healthcheck.SMTP {
		return healthcheck.SMTP{TLS: tls, Helo: "check.example.org"}
	}
	answers(t, at, asks{"STARTTLS": mail(later(cert))}, fail{"unknown to us": {mail(laterStranger), "unknown authority"}, "TLS at once": {mail(stranger), "TLS"}})
	story(t, d, at, asks{"helo": healthcheck.SMTP{Helo: "check.example.org"}}, fail{
		"rejected": {healthcheck.SMTP{Helo: "bad.example"}, "answer to HELO"},
	})
}

func TestVsftpd(t *testing.T) {
	t.Parallel()
	needRoot(t)
	vsftpd, dir, at := program(t, "vsftpd", "vsftpd"), workDir(t, nil), closedPort(t)
	_, port, _ := net.SplitHostPort(at)
	cert, key := selfSigned(t, dir)
	conf := write(t, dir, "vsftpd.conf", "listen=YES\nlisten_address=127.0.0.1\nlisten_port="+port+"\nbackground=NO\nanonymous_enable=YES\nlocal_enable=NO\n"+
		"ftp_username=daemon\nnopriv_user=nobody\nsecure_chroot_dir="+dir+"\nanon_root="+dir+"\nseccomp_sandbox=NO\nssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=NO\nforce_anon_data_ssl=NO\n"+
		"force_local_logins_ssl=NO\nforce_local_data_ssl=NO\nrequire_ssl_reuse=NO\nrsa_cert_file="+cert+"\nrsa_private_key_file="+key+"\nssl_ciphers=HIGH\n")
	d := start(t, nil, at, vsftpd, conf)
	ftp := func(user string) healthcheck.Session {
		return healthcheck.Session{Protocol: healthcheck.FTP, Username: user, Password: "a@b"}
	}
	over := func(tls *healthcheck.TLS) healthcheck.Session {
		return healthcheck.Session{Protocol: healthcheck.FTP, TLS: tls, Username: "anonymous", Password: "a@b"}
	}
	answers(t, at, asks{"AUTH TLS": over(later(cert))}, fail{"unknown to us": {over(laterStranger), "unknown authority"}})
	story(t, d, at, asks{"greets": ftp(""), "anonymous": ftp("anonymous")}, fail{"nobody": {ftp("root"), "530"}})
}

func TestFreeRADIUS(t *testing.T) {
	t.Parallel()
	needRoot(t)
	radius, dir, at := program(t, "freeradius", "freeradius"), workDir(t, nil), closedPort(t)
	_, port, _ := net.SplitHostPort(at)
	write(t, dir, "radiusd.conf", fmt.Sprintf(`prefix = /usr
logdir = %[1]s
run_dir = %[1]s
libdir = /usr/lib/freeradius
raddbdir = %[1]s
pidfile = %[1]s/pid
security {
	status_server = yes
}
client local {
	ipaddr = 127.0.0.1
	secret = testing123
}
modules {
	pap {
	}
}
server default {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = %[2]s
	}
	authorize {
		update control {
			Cleartext-Password := "sesame, open this door"
		}
		pap
	}
	authenticate {
		pap
	}
}
`, dir, port))
	d := start(t, nil, "", radius, "-f", "-l", "stdout", "-d", dir)
	waitFor(t, healthcheck.Radius{Secret: "testing123"}, at)
	story(t, d, at, asks{
		"status": healthcheck.Radius{Secret: "testing123"},
		"access": healthcheck.Radius{Secret: "testing123", Username: "u", Password: "sesame, open this door"},
	}, fail{
		"rejected":     {healthcheck.Radius{Secret: "testing123", Username: "u", Password: "a wrong and long password"}, "access rejected"},
		"wrong secret": {healthcheck.Radius{Secret: "wrong"}, "in time"},
	})
}

func TestDnsmasq(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dnsmasq, at := program(t, "dnsmasq", "dnsmasq-base"), closedPort(t)
	_, port, _ := net.SplitHostPort(at)
	d := start(t, nil, at, dnsmasq, "-k", "-p", port, "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts",
		"--conf-file=/dev/null", "--pid-file=", "--address=/example.org/10.0.0.1", "--local=/test/", "--user=root")
	story(t, d, at, asks{"A": healthcheck.DNS{Type: 1, Name: "www.example.org"}}, fail{
		"NXDOMAIN": {healthcheck.DNS{Type: 1, Name: "www.test"}, "rcode 3"},
		"REFUSED":  {healthcheck.DNS{Type: 6}, "rcode 5"},
	})
}

// waitFor waits until a server answers a question.
func waitFor(t *testing.T, ask healthcheck.Question, target string) {
	t.Helper()
	s := check("wait", ask, target)
	s.ConnectTimeout, s.Alpha = 200*time.Millisecond, true
	w := newWorld(t, s)
	for !w.next(t).Up {
	}
}
