package probe

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

func TestRedis(t *testing.T) {
	t.Parallel()
	redis, dir, at := program(t, "redis-server", "redis-server"), workDir(t, nil), closedPort(t)
	_, port, _ := net.SplitHostPort(at)
	cert, key := selfSigned(t, dir)
	secure := closedPort(t)
	_, securePort, _ := net.SplitHostPort(secure)
	login := func(answer string) healthcheck.SendExpect {
		return healthcheck.SendExpect{Steps: []healthcheck.Exchange{
			{Send: []byte("AUTH secret\r\n")}, {Expect: `^\+OK`, Reject: "^-"}, {Send: []byte("PING\r\n")}, {Expect: answer},
		}}
	}
	d := start(t, nil, at, redis, "--port", port, "--bind", "127.0.0.1", "--requirepass", "secret", "--save", "", "--dir", dir,
		"--tls-port", securePort, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no")
	story(t, d, service{at: secure, secure: asks{"TLS": healthcheck.Redis{TLS: verified(cert), Password: "secret"}}, bad: fail{
		"unknown to us": {healthcheck.Redis{TLS: stranger, Password: "secret"}, "unknown authority"},
		"plain":         {healthcheck.Redis{Password: "secret"}, ""}, // reset or closed
	}}, service{at: at, good: asks{
		"ping":         healthcheck.Redis{Password: "secret"},
		"master":       healthcheck.Redis{Username: "default", Password: "secret", Role: "master"},
		"conversation": login("PONG"),
	}, bad: fail{
		"conversation":   {login("PANG"), "in time"},
		"replica":        {healthcheck.Redis{Password: "secret", Role: "replica"}, "server said"},
		"no password":    {healthcheck.Redis{}, "NOAUTH"},
		"wrong password": {healthcheck.Redis{Password: "wrong"}, "WRONGPASS"},
	}})
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
	story(t, d, service{at: at, good: asks{
		"greets": healthcheck.PgSQL{},
		"login":  healthcheck.PgSQL{Username: "postgres", Password: "sesame"},
		"query":  healthcheck.PgSQL{Username: "postgres", Password: "sesame", Database: "postgres", Query: "select 1 where true"},
	}, secure: asks{"TLS": login(verified(cert))}, bad: fail{
		"unknown to us":  {login(stranger), "unknown authority"},
		"wrong password": {healthcheck.PgSQL{Username: "postgres", Password: "wrong"}, "28P01"},
		"no database":    {healthcheck.PgSQL{Username: "postgres", Password: "sesame", Database: "none"}, "3D000"},
		"no row":         {healthcheck.PgSQL{Username: "postgres", Password: "sesame", Query: "select 1 where false"}, "no row"},
		"bad query":      {healthcheck.PgSQL{Username: "postgres", Password: "sesame", Query: "selec"}, "42601"},
	}})
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
	story(t, d, service{at: at, good: asks{
		"greets": healthcheck.MySQL{},
		"login":  healthcheck.MySQL{Username: "check", Password: "sesame"},
		"query":  healthcheck.MySQL{Username: "check", Password: "sesame", Database: "information_schema", Query: "select 1"},
	}, secure: asks{"TLS": login(verified(cert)), "TLS without a user": healthcheck.MySQL{TLS: verified(cert)}}, bad: fail{
		"unknown to us":  {login(stranger), "unknown authority"},
		"wrong password": {healthcheck.MySQL{Username: "check", Password: "wrong"}, "1045"},
		"no row":         {healthcheck.MySQL{Username: "check", Password: "sesame", Query: "select 1 from dual where false"}, "no row"},
		"bad query":      {healthcheck.MySQL{Username: "check", Password: "sesame", Query: "selec"}, "1064"},
	}})
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
	story(t, d, service{at: at, good: asks{
		"anonymous": healthcheck.LDAP{},
		"bind":      healthcheck.LDAP{BindDN: "cn=admin,dc=example", Password: "sesame"},
		"entry":     healthcheck.LDAP{BindDN: "cn=admin,dc=example", Password: "sesame", Base: "dc=example"},
	}, secure: asks{"STARTTLS": entry(later(cert))}, bad: fail{
		"unknown to us":  {entry(laterStranger), "unknown authority"},
		"wrong password": {healthcheck.LDAP{BindDN: "cn=admin,dc=example", Password: "wrong"}, "result code 49"},
		"no entry":       {healthcheck.LDAP{Base: "dc=nowhere"}, "result code 32"},
	}}, service{at: secure, secure: asks{"TLS": entry(verified(cert))}, bad: fail{"unknown to us": {entry(stranger), "unknown authority"}}})
}
