package probe

import (
	"fmt"
	"net"
	"testing"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

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
	story(t, d, service{at: at, good: asks{
		"status": healthcheck.Radius{Secret: "testing123"},
		"access": healthcheck.Radius{Secret: "testing123", Username: "u", Password: "sesame, open this door"},
	}, bad: fail{
		"rejected":     {healthcheck.Radius{Secret: "testing123", Username: "u", Password: "a wrong and long password"}, "access rejected"},
		"wrong secret": {healthcheck.Radius{Secret: "wrong"}, "in time"},
	}})
}

func TestDnsmasq(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dnsmasq, at := program(t, "dnsmasq", "dnsmasq-base"), closedPort(t)
	_, port, _ := net.SplitHostPort(at)
	d := start(t, nil, at, dnsmasq, "-k", "-p", port, "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts",
		"--conf-file=/dev/null", "--pid-file=", "--address=/example.org/10.0.0.1", "--local=/test/", "--user=root")
	const question = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03org\x00\x00\x01\x00\x01"
	udp := func(reply string) healthcheck.UDP { // an answer to this question, with any flags
		return healthcheck.UDP{Payload: []byte(question), RequireReply: true, Reply: []byte(reply), ReplyMask: []byte("\xff\xff\x80"), MinReply: 40, MaxReply: 100}
	}
	story(t, d, service{at: at, good: asks{
		"A":   healthcheck.DNS{Type: 1, Name: "www.example.org"},
		"UDP": udp("\x12\x34\x80"),
	}, bad: fail{
		"NXDOMAIN":        {healthcheck.DNS{Type: 1, Name: "www.test"}, "rcode 3"},
		"REFUSED":         {healthcheck.DNS{Type: 6}, "rcode 5"},
		"another's reply": {udp("\x12\x35\x80"), "reply"},
	}})
}

func TestKamailio(t *testing.T) {
	t.Parallel()
	needRoot(t)
	kamailio, dir, at, secure := program(t, "kamailio", "kamailio and kamailio-tls-modules"), workDir(t, nil), closedPort(t), closedPort(t)
	cert, key := selfSigned(t, dir)
	conf := write(t, dir, "kamailio.cfg", "children=2\ntcp_children=2\nenable_tls=yes\nlisten=udp:"+at+"\nlisten=tcp:"+at+"\nlisten=tls:"+secure+"\n"+
		"loadmodule \"tls.so\"\nmodparam(\"tls\", \"certificate\", \""+cert+"\")\nmodparam(\"tls\", \"private_key\", \""+key+"\")\nmodparam(\"tls\", \"tls_method\", \"TLSv1.2+\")\n"+
		"loadmodule \"sl.so\"\nloadmodule \"pv.so\"\nloadmodule \"textops.so\"\n"+
		"request_route {\n if (!is_method(\"OPTIONS\")) {\n  sl_send_reply(\"405\", \"Method Not Allowed\");\n  exit;\n }\n"+
		" if ($rU == \"busy\") {\n  sl_send_reply(\"503\", \"Service Unavailable\");\n  exit;\n }\n sl_send_reply(\"200\", \"OK\");\n}\n")
	d := start(t, nil, at, kamailio, "-DD", "-E", "-f", conf, "-Y", dir, "-m", "16", "-M", "4")
	good, bad := make(asks), make(fail)
	for name, tcp := range map[string]bool{"UDP": false, "TCP": true} {
		busy := []healthcheck.StatusRange{{Low: 503, High: 503}}
		good[name] = healthcheck.SIP{TCP: tcp}
		good["busy is good by "+name] = healthcheck.SIP{TCP: tcp, URI: "sip:busy@example.org", Status: busy}
		bad["busy by "+name] = badQuestion{healthcheck.SIP{TCP: tcp, URI: "sip:busy@example.org"}, "status 503, wanted 200-299"}
		bad["status by "+name] = badQuestion{healthcheck.SIP{TCP: tcp, Status: busy}, "status 200, wanted 503"}
	}
	bad["TLS"] = badQuestion{healthcheck.SIP{TCP: true, TLS: &healthcheck.TLS{}}, "TLS: "}
	story(t, d, service{at: at, good: good, bad: bad}, service{at: secure, secure: asks{
		"TLS": healthcheck.SIP{TCP: true, TLS: verified(cert)},
	}, bad: fail{
		"unknown to us": {healthcheck.SIP{TCP: true, TLS: stranger}, "unknown authority"},
		"busy":          {healthcheck.SIP{TCP: true, TLS: verified(cert), URI: "sip:busy@example.org"}, "status 503, wanted 200-299"},
		"plain":         {healthcheck.SIP{TCP: true}, ""}, // reset, closed, or an alert
	}})
}
