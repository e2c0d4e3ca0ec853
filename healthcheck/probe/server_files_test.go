package probe

import (
	"net"
	"os"
	"os/exec"
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
// which has no port of its own: it names the address.
const leafnodeServer = "HOLDFAST_LEAFNODE_SERVER"

func init() {
	at := os.Getenv(leafnodeServer)
	if at == "" {
		return
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		panic(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		go func() {
			defer c.Close()
			f, err := c.(*net.TCPConn).File()
			if err != nil {
				return
			}
			defer f.Close()
			cmd := exec.Command("leafnode")
			cmd.Stdin, cmd.Stdout = f, f
			_ = cmd.Run()
		}()
	}
}

func TestLeafnode(t *testing.T) {
	t.Parallel()
	needRoot(t)
	program(t, "leafnode", "leafnode")
	dir, at := workDir(t, nil), closedPort(t)
	// It wants to know its name, which it has in one place only.
	conf := write(t, dir, "config", "server = localhost\nhostname = news.holdfast.internal\n")
	d := start(t, nil, at, "unshare", "-m", "sh", "-c", `mount --bind "$1" /etc/news/leafnode/config && `+leafnodeServer+`="$2" exec "$0"`, os.Args[0], conf, at)
	news := healthcheck.Session{Protocol: healthcheck.NNTP}
	login, secure := news, news
	login.Username, login.Password = "u", "p"
	secure.TLS = laterStranger
	story(t, d, service{at: at, good: asks{"greets": news}, bad: fail{
		"login":    {login, "500 Unknown command"},
		"STARTTLS": {secure, "500 Unknown command"},
		"FTP":      {healthcheck.Session{Protocol: healthcheck.FTP}, ""},
	}})
}
