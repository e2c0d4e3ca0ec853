package probe

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

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
mail_max_userip_connections = 100
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
	session := func(p healthcheck.Protocol, tls *healthcheck.TLS) healthcheck.Session {
		return healthcheck.Session{Protocol: p, TLS: tls, Username: "u", Password: "sesame"}
	}
	offers := func(at string, p, other healthcheck.Protocol, otherwise string) service {
		return service{at: at, good: asks{
			"greets": healthcheck.Session{Protocol: p},
			"login":  session(p, nil),
		}, secure: asks{"TLS": session(p, later(cert))}, bad: fail{
			"unknown to us":  {session(p, laterStranger), "unknown authority"},
			"other protocol": {healthcheck.Session{Protocol: other}, otherwise},
		}}
	}
	story(t, d, offers(imap, healthcheck.IMAP, healthcheck.POP3, "in time"), offers(pop3, healthcheck.POP3, healthcheck.IMAP, "in time"))
}

func TestPostfix(t *testing.T) {
	t.Parallel()
	needRoot(t)
	postfix, dir, at := program(t, "postfix", "postfix"), workDir(t, nil), closedPort(t)
	_, port, _ := net.SplitHostPort(at)
	for _, sub := range []string{"etc", "queue", "data"} {
		if err := errors.Join(os.Mkdir(filepath.Join(dir, sub), 0o700), os.Chmod(filepath.Join(dir, sub), 0o755)); err != nil {
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
	story(t, d, service{at: at, good: asks{"helo": mail(nil)}, secure: asks{"STARTTLS": mail(later(cert))}, bad: fail{
		"unknown to us": {mail(laterStranger), "unknown authority"},
		"TLS at once":   {mail(stranger), "TLS"},
		"rejected":      {healthcheck.SMTP{Helo: "bad.example"}, "answer to HELO"},
	}})
}
