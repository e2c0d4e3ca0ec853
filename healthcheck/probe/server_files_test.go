package probe

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// Servers that hand out files and articles.

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
	story(t, d, service{at: at, good: asks{"greets": ftp(""), "anonymous": ftp("anonymous")}, secure: asks{"AUTH TLS": over(later(cert))}, bad: fail{
		"unknown to us": {over(laterStranger), "unknown authority"},
		"nobody":        {ftp("root"), "530"},
	}})
}

// leafnodeServer is set in the environment of the process that answers for leafnode,
// which has no port of its own, and does not know TLS: it names the addresses in the
// clear, where TLS may follow, and with TLS at once, a certificate and its key.
const leafnodeServer = "HOLDFAST_LEAFNODE_SERVER"

func init() {
	args := strings.Fields(os.Getenv(leafnodeServer))
	if len(args) == 0 {
		return
	}
	pair, err := tls.LoadX509KeyPair(args[3], args[4])
	if err != nil {
		panic(err)
	}
	secure := &tls.Config{Certificates: []tls.Certificate{pair}}
	for i, talk := range []func(net.Conn){
		leafnode,
		func(c net.Conn) { leafnodeUntilTLS(c, secure) },
		func(c net.Conn) { leafnode(tls.Server(c, secure)) },
	} {
		l, err := net.Listen("tcp", args[i])
		if err != nil {
			panic(err)
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					panic(err)
				}
				go talk(c)
			}
		}()
	}
	select {}
}

// leafnode has a leafnode of its own talk with each client.
func leafnode(c net.Conn) {
	defer c.Close()
	cmd := exec.Command("leafnode")
	cmd.Stdout = c
	in, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		return
	}
	_, _ = io.Copy(in, c)
	in.Close()
	_ = cmd.Wait()
}

// leafnodeUntilTLS passes on a leafnode's greeting, consents to TLS in its place, and
// passes on what follows.
func leafnodeUntilTLS(c net.Conn, secure *tls.Config) {
	defer c.Close()
	mine, its := net.Pipe()
	defer mine.Close()
	go leafnode(its)
	said := bufio.NewReader(mine)
	greeting, _ := said.ReadString('\n')
	_, _ = io.WriteString(c, greeting)
	if line, _ := bufio.NewReader(c).ReadString('\n'); line != "STARTTLS\r\n" {
		return
	}
	_, _ = io.WriteString(c, "382 go on\r\n")
	c = tls.Server(c, secure)
	go func() {
		_, _ = io.Copy(mine, c)
		mine.Close()
	}()
	_, _ = io.Copy(c, said)
}

func TestLeafnode(t *testing.T) {
	t.Parallel()
	needRoot(t)
	program(t, "leafnode", "leafnode")
	dir, at, late, secure := workDir(t, nil), closedPort(t), closedPort(t), closedPort(t)
	cert, key := selfSigned(t, dir)
	// It wants to know its name, which it has in one place only.
	conf := write(t, dir, "config", "server = localhost\nhostname = news.holdfast.internal\n")
	d := start(t, nil, at, "unshare", "-m", "sh", "-c", `mount --bind "$1" /etc/news/leafnode/config && `+leafnodeServer+`="$2" exec "$0"`, os.Args[0], conf, strings.Join([]string{at, late, secure, cert, key}, " "))
	news := func(tls *healthcheck.TLS) healthcheck.Session {
		return healthcheck.Session{Protocol: healthcheck.NNTP, TLS: tls}
	}
	login := func(tls *healthcheck.TLS) healthcheck.Session {
		return healthcheck.Session{Protocol: healthcheck.NNTP, TLS: tls, Username: "u", Password: "p"}
	}
	story(t, d, service{at: at, good: asks{"greets": news(nil)}, bad: fail{
		"login":    {login(nil), "500 Unknown command"},
		"STARTTLS": {news(laterStranger), "500 Unknown command"},
		"FTP":      {healthcheck.Session{Protocol: healthcheck.FTP}, ""},
	}}, service{at: late, secure: asks{"STARTTLS": news(later(cert))}, bad: fail{
		"unknown to us": {news(laterStranger), "unknown authority"},
		"login":         {login(later(cert)), "500 Unknown command"},
	}}, service{at: secure, secure: asks{"TLS": news(verified(cert))}, bad: fail{
		"unknown to us": {news(stranger), "unknown authority"},
		"login":         {login(verified(cert)), "500 Unknown command"},
		"plain":         {news(nil), ""}, // an alert, or closed
	}})
}
