package config_test

import (
	"testing"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// keepalived's test mode ends with 0 at a namespace that does not exist, unless
// its parent has met something worse before. We go on with a file whose
// namespace may be on another machine.
func TestMissingNamespace(t *testing.T) {
	const (
		wrong = "vrrp_instance V {\n}\n}\nfoo bar\n"
		right = "vrrp_instance V {\ninterface eth9\nvirtual_router_id 1\nvirtual_ipaddress {\n192.0.2.1\n}\n}\n"
	)
	for _, tt := range []struct {
		name, flag, text string
		want             int
	}{
		{"on the command line", "nope", wrong, 0},
		{"on the command line, which comes first", "nope", "net_namespace blue\n" + wrong, 0},
		{"in the file, which comes second", "blue", "net_namespace nope\n" + wrong, 5},
		{"without a value", "", "net_namespace $NAME\n" + wrong, 0},
		{"without a value, behind mistakes", "", wrong + "net_namespace $NAME\n", 0},
		{"without a value, and an include is missing", "", "net_namespace $NAME\nincludem nope\n", 6},
		{"without a value, and an argument is missing for the parent", "", "net_namespace $NAME\nglobal_defs {\numask\n}\n", 2},
		{"without a value, and an argument is missing for a child", "", "net_namespace $NAME\nvrrp_instance V {\npriority\n}\n", 0},
		{"without a value, and a script is unguarded", "", "net_namespace $NAME\nglobal_defs {\nstartup_script /usr/bin/true\n}\n", 0},
		{"of another machine", "", "net_namespace nope\n" + wrong, 5},
		{"of another machine, with its interfaces", "", "net_namespace nope\n" + right, 0},
		{"of another machine, for the load balancer", "", "net_namespace_ipvs nope\n" + wrong, 5},
		{"one that exists", "", "net_namespace blue\n" + right, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := testMachine()
			env.NetNamespace = tt.flag
			env.Namespace = func(name string) (func(string) (config.Link, bool), bool) {
				return func(name string) (config.Link, bool) { return config.Link{Index: 1}, name == "eth0" }, name == "blue"
			}
			r := config.Load("t.conf", syntax.Options{Source: syntax.Text("t.conf", tt.text)}, config.Test, env)
			if got := diag.ExitStatus(r.Problems); got != tt.want {
				t.Errorf("status %d, want %d", got, tt.want)
			}
		})
	}
}
