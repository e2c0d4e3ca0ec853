// Package reference explains the configuration's keywords and problems: for
// people at a terminal, and as the manual, the man page, the list of what is
// compatible and the JSON schema, all made from the keyword table.
package reference

import (
	"fmt"
	"sort"
	"strings"

	"github.com/holdfast-lb/holdfast/pkg/config"
)

// Files returns the generated documents by their paths in the repository.
func Files() map[string]string {
	files := map[string]string{
		"docs/reference/README.md":      index(),
		"docs/reference/diagnostics.md": diagnostics,
		"docs/compatibility.md":         compatibility(),
		"docs/man/holdfast.conf.5":      manPage(),
		"docs/holdfast.schema.json":     Schema(),
	}
	for _, k := range config.Root().All() {
		if k.Block != nil && k.Use == "" {
			files["docs/reference/"+k.Name+".md"] = chapter(k)
		}
	}
	return files
}

// entry is a keyword where it stands.
type entry struct {
	path string // of its block
	*config.Keyword
}

// where is the path as shown to people.
func (e entry) where() string {
	if e.path == config.RootPath {
		return "top level"
	}
	return strings.ReplaceAll(e.path, "/", " > ")
}

// full is the path of the keyword itself.
func (e entry) full() string {
	if e.path == config.RootPath {
		return e.Name
	}
	return e.path + "/" + e.Name
}

func entries() (all []entry) {
	config.Walk(func(path string, k *config.Keyword) { all = append(all, entry{path, k}) })
	return all
}

// Names returns the names of all keywords, sorted, each once.
func Names() []string {
	seen := map[string]bool{}
	var names []string
	for _, e := range entries() {
		if !seen[e.Name] {
			seen[e.Name] = true
			names = append(names, e.Name)
		}
	}
	sort.Strings(names)
	return names
}

// synopsis is the keyword with its arguments.
func (e entry) synopsis() string {
	s := strings.TrimSpace(e.Name + " " + e.Synopsis())
	if (e.Takes == config.Sub || e.Takes == config.Items) && !strings.HasSuffix(s, "}") {
		s += " { … }"
	}
	return s
}

// status says whether a keyword is old, ours, or not in effect.
func (e entry) status() string {
	var s []string
	if e.Ours {
		s = append(s, "not known to keepalived")
	}
	if e.Pending {
		s = append(s, "not in effect yet")
	}
	switch {
	case e.Use != "":
		s = append(s, "old spelling of "+e.Use)
	case e.Tier == 'D':
		s = append(s, "old")
	}
	return strings.Join(s, "; ")
}

// byWhom says which processes act on a keyword.
func byWhom(r config.Role) string {
	var names []string
	for _, p := range []struct {
		role config.Role
		name string
	}{{config.Parent, "the supervisor"}, {config.VRRP, "vrrp"}, {config.Checkers, "checkers"}, {config.BFD, "bfd"}} {
		if r&p.role != 0 {
			names = append(names, p.name)
		}
	}
	return strings.Join(names, ", ")
}

// example is a line that uses the keyword.
func (e entry) example() string {
	if s, ok := examples[e.full()]; ok {
		return s
	}
	if s, ok := examples[e.Name]; ok {
		return s
	}
	switch e.Takes {
	case config.Flag, config.Bool:
		return e.Name
	case config.Option:
		return ""
	case config.Sub, config.Items:
		return strings.TrimSpace(e.Name+" "+placeholder(e.Args)) + " {\n}"
	case config.Int, config.Seconds, config.Millis:
		return e.Name + " " + e.number()
	case config.Addr:
		return e.Name + " 192.0.2.1"
	case config.Exec:
		return e.Name + ` "/etc/holdfast/` + e.Name + `.sh"`
	}
	if arg := placeholder(e.Args); arg != "" {
		return e.Name + " " + arg
	}
	return ""
}

// number is the default, if it is a number that may be written, else the least
// one.
func (e entry) number() string {
	first := strings.FieldsFunc(e.Default, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if len(first) > 0 && strings.HasPrefix(e.Default, first[0]) && (e.Min <= 0 || strings.Trim(first[0], "0.") != "") {
		return first[0]
	}
	if low, _, ok := strings.Cut(e.Range(), ".."); ok && e.Takes == config.Int && e.Min > 1 {
		return low
	}
	return "1"
}

// placeholder turns the description of arguments into something to type.
func placeholder(args string) string {
	first, _, _ := strings.Cut(args, " | ")
	first, _, _ = strings.Cut(first, " [")
	switch {
	case strings.HasPrefix(first, "<name"), strings.HasPrefix(first, "<str"):
		return "NAME"
	case strings.HasPrefix(first, "<ifname"):
		return "eth0"
	case strings.HasPrefix(first, "<ip"), strings.HasPrefix(first, "<addr"):
		return "192.0.2.1"
	case strings.HasPrefix(first, "<path"), strings.HasPrefix(first, "<file"):
		return "/etc/holdfast/FILE"
	case strings.HasPrefix(first, "<int"):
		return "1"
	case strings.ContainsAny(first, "<[{…\""), first == "":
		return ""
	}
	first, _, _ = strings.Cut(first, "|")
	return first
}

// examples are those that the table cannot tell.
var examples = map[string]string{
	"virtual_ipaddress":          "virtual_ipaddress {\n    192.0.2.10/32 dev eth0\n}",
	"virtual_ipaddress_excluded": "virtual_ipaddress_excluded {\n    2001:db8::10/128\n}",
	"static_ipaddress":           "static_ipaddress {\n    192.0.2.10/32 dev eth0\n}",
	"virtual_routes":             "virtual_routes {\n    198.51.100.0/24 via 192.0.2.254 dev eth0\n}",
	"static_routes":              "static_routes {\n    198.51.100.0/24 via 192.0.2.254 dev eth0\n}",
	"virtual_rules":              "virtual_rules {\n    from 192.0.2.0/24 table 100 preference 1000\n}",
	"static_rules":               "static_rules {\n    from 192.0.2.0/24 table 100 preference 1000\n}",
	"unicast_peer":               "unicast_peer {\n    192.0.2.3\n}",
	"track_interface":            "track_interface {\n    eth1\n    eth2 weight -20\n}",
	"track_script":               "track_script {\n    check_haproxy weight -20\n}",
	"track_process":              "track_process {\n    haproxy\n}",
	"virtual_server/real_server/FILE_CHECK/track_file": "track_file load",
	"track_file":                 "track_file load {\n    file /run/load\n}",
	"vrrp_instance/track_file":   "track_file {\n    load weight 1\n}",
	"vrrp_sync_group/track_file": "track_file {\n    load weight 1\n}",
	"vrrp_track_file":            "vrrp_track_file load {\n    file /run/load\n}",
	"header":                     "header Accept application/json",
	"expect_header":              `expect_header Content-Type "^application/json"`,
	"expect_json":                "expect_json status.code ok",
	"track_bfd":                  "track_bfd {\n    uplink\n}",
	"group":                      "group {\n    VI_1\n    VI_2\n}",
	"notification_email":         "notification_email {\n    ops@example.org\n}",
	"virtual_server_group":       "virtual_server_group web {\n    192.0.2.80 80\n    192.0.2.81-83 80\n    fwmark 7\n}",
	"virtual_server":             "virtual_server 192.0.2.80 80 {\n    protocol TCP\n    lb_algo wlc\n    lb_kind DR\n    real_server 192.0.2.11 80 {\n        TCP_CHECK {\n        }\n    }\n}",
	"real_server":                "real_server 192.0.2.11 80 {\n    weight 1\n    TCP_CHECK {\n        connect_timeout 3\n    }\n}",
	"sorry_server":               "sorry_server 192.0.2.99 80",
	"authentication":             "authentication {\n    auth_type PASS\n    auth_pass secret\n}",
	"lb_algo":                    "lb_algo wlc",
	"lvs_sched":                  "lvs_sched wlc",
	"lb_kind":                    "lb_kind DR",
	"lvs_method":                 "lvs_method DR",
	"script":                     `script "/usr/bin/pgrep -x haproxy"`,
	"smtp_server":                "smtp_server 192.0.2.25 25",
	"script_user":                "script_user nobody nogroup",
	"url":                        "url {\n    path /health\n    status_code 200\n}",
	"persistence_granularity":    "persistence_granularity 255.255.255.0",
	"interfaces":                 "interfaces {\n    eth0 eth1\n}",
	"linkbeat_interfaces":        "linkbeat_interfaces {\n    eth0 ETHTOOL\n}",
	"interface_up_down_delays":   "interface_up_down_delays {\n    eth0 2 5\n}",
	"vrrp_instance":              "vrrp_instance VI_1 {\n    state BACKUP\n    interface eth0\n    virtual_router_id 51\n    priority 100\n    virtual_ipaddress {\n        192.0.2.10/32\n    }\n}",
	"vrrp_sync_group":            "vrrp_sync_group G1 {\n    group {\n        VI_1\n        VI_2\n    }\n}",
	"vrrp_script":                "vrrp_script check_haproxy {\n    script \"/usr/bin/pgrep -x haproxy\"\n    interval 2\n}",
	"vrrp_track_process":         "vrrp_track_process haproxy {\n    process haproxy\n}",
}

// inContext puts an example into the blocks that it has to stand in.
func (e entry) inContext() string {
	text := e.example()
	if text == "" || e.path == config.RootPath {
		return text
	}
	names := strings.Split(e.path, "/")
	for i := len(names) - 1; i >= 0; i-- {
		head := names[i]
		switch head {
		case "vrrp_instance":
			head += " VI_1"
		case "virtual_server":
			head += " 192.0.2.80 80"
		case "real_server":
			head += " 192.0.2.11 80"
		case "vrrp_sync_group", "vrrp_script", "vrrp_track_process", "track_group", "bfd_instance", "virtual_server_group":
			head += " NAME"
		case "track_file", "vrrp_track_file":
			if i == 0 {
				head += " NAME"
			}
		}
		text = fmt.Sprintf("%s {\n    %s\n}", head, strings.ReplaceAll(text, "\n", "\n    "))
	}
	return text
}
