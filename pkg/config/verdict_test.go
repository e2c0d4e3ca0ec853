package config_test

import (
	"cmp"
	"fmt"
	"testing"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// The places that the lines of TestVerdicts stand in.
const (
	atTop      = "%s\n"
	inGlobal   = "global_defs {\n%s\n}\n"
	oneVIP     = "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n192.0.2.10/32\n}\n"
	inInstance = oneVIP + "%s\n}\n"
	inGroup    = oneVIP + "}\ntrack_group G {\n%s\n}\n"
	inAddrs    = "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n%s\n}\n}\n"
	inRoutes   = "static_routes {\n%s\n}\n"
	inRules    = "static_rules {\n%s\n}\n"
	inGARP     = "garp_group {\ngarp_interval 1\ninterface eth0\n%s\n}\n"
	inFile     = "track_file f {\nfile /etc/lax/x\n%s\n}\n"
	inService  = "virtual_server 192.0.2.20 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n%s\nreal_server 192.0.2.30 80 {\n}\n}\n"
	inCheck    = "virtual_server 192.0.2.20 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 192.0.2.30 80 {\nTCP_CHECK {\n%s\n}\n}\n}\n"
	inScript   = "global_defs {\nenable_script_security\nscript_user root\n}\nvrrp_script s {\nscript /usr/bin/true\n%s\n}\n" + oneVIP + "track_script {\ns\n}\n}\n"
)

// TestVerdicts holds the exit status of the test mode of keepalived 2.4.3 for
// odd lines, as found by trying.
func TestVerdicts(t *testing.T) {
	for _, tt := range []struct {
		place, line string
		want        int
	}{
		{atTop, "vrrp_instance A B {\ninterface eth0\nvirtual_router_id 3\n}", 5},
		{atTop, "vrrp_sync_group A B {\n}", 5},
		{atTop, "virtual_server_group G x {\n192.0.2.20 80\n}", 2},
		{atTop, "virtual_server_group G\n192.0.2.20 80\n}", 2},
		{atTop, "virtual_server_group G\n{\n192.0.2.20 80\n}", 0},
		{atTop, "static_ipaddress x {\n192.0.2.9 dev eth0\n}", 5},
		{atTop, "linkbeat_interfaces {\neth9\n}", 4},
		{atTop, "linkbeat_interfaces {\neth9 XX\n}", 4},
		{atTop, "linkbeat_interfaces {\neth0 XX\n}", 5},
		{atTop, "interface_up_down_delays {\neth9 1\n}", 4},
		{atTop, "interface_up_down_delays {\neth9 1\n}\nfoo", 5},
		{atTop, "virtual_server 192.0.2.20/24 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 192.0.2.30/24 80 {\n}\n}", 0},
		{atTop, "virtual_server 192.0.2.20-21 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 192.0.2.30-31 80 {\n}\n}", 0},

		{inGlobal, "notification_email x {\na@example.org\n}", 5},
		{inGlobal, "vrrp_mcast_group4 224.0.0.18/4", 0},
		{inGlobal, "lvs_sync_daemon eth0 group 224.0.0.18/4", 0},
		{inGlobal, "lvs_sync_daemon 1234567890123456", 5},
		{inGlobal, "smtp_server 0x7f000001", 0},
		{inGlobal, "smtp_server 0300.0.2.1", 0},
		{inGlobal, "smtp_server 0400.0.2.1", 5},
		{inGlobal, "smtp_server 4294967296", 5},
		{inGlobal, `startup_script ""`, 5},
		{inGlobal, `vrrp_iptables ""`, 5},
		{inGlobal, `vrrp_ipsets ""`, 5},
		{inGlobal, `nftables ""`, 5},
		{inGlobal, `nftables_ipvs ""`, 5},
		{inGlobal, "vrrp_rx_bufs_policy 4294967295", 0},
		{inGlobal, "vrrp_rx_bufs_multiplier 1 2", 5},
		{inGlobal, "umask 1 2", 5},
		{inGlobal, "umask IRWXG IRWXO", 0},
		{inGlobal, "reload_time_file a b", 5},
		{inGlobal, "state_dump_file a b", 5},
		{inGlobal, `json_dump_file ""`, 5},
		{inGlobal, "iproute_etc_dir a b", 5},
		{inGlobal, `config_save_dir ""`, 5},
		{inGlobal, "config_save_dir /etc/nope/nope", 5},
		{inGlobal, "config_save_dir /etc/nope", 0},
		{inGlobal, "include_check read match", 5},
		{inGlobal, "include_check read +match", 0},
		{inGlobal, "$A=x $A\nrouter_id $A", 0},
		{inGlobal, "$A=1\n$A=x$A\nrouter_id $A", 0},
		{inGlobal, "$A=$A\nrouter_id $A", 5}, // keepalived hangs
		{inGlobal, "router_id ${_RANDOM 9 5}", 5},

		{inInstance, "virtual_ipaddress x {\n192.0.2.11\n}", 5},
		{inInstance, "track_interface x {\n}", 5},
		{inInstance, "unicast_peer x {\n192.0.2.9\n}", 5},
		{inInstance, "authentication x {\nauth_type PASS\nauth_pass x\n}", 0},
		{oneVIP + "%s\n", "track_script\n}", 0}, // as many braces of either kind
		{oneVIP + "%s\n", "authentication\n}", 5},
		{inInstance, "mcast_dst_ip 224.0.0.18/4", 0},
		{inInstance, "unicast_peer {\n192.0.2.9-11\n}", 0},
		{inInstance, "mcast_src_ip 192.0.2.1-4", 0},
		{inInstance, "use_vmac a/b", 5},
		{inInstance, `use_vmac ""`, 5},
		{inInstance, `use_vmac "a b"`, 5},
		{inInstance, "use_vmac name .", 5},
		{inInstance, "use_ipvlan 192.0.2.1/24", 0},
		{inInstance, "use_ipvlan 192.0.2.1/33", 5},
		{inInstance, "kernel_rx_buf_size 1 2", 5},

		{inAddrs, "192.0.2.1 dev eth0\n192.0.2.1 dev eth1", 5},
		{inAddrs, "192.0.2.1\n192.0.2.1/24", 5},
		{inAddrs, "192.0.2.1\n}\nvirtual_ipaddress_excluded {\n192.0.2.1 dev eth1", 0},
		{inAddrs, "192.0.2.1\n}\nvirtual_ipaddress_excluded {\n192.0.2.1/24", 5},
		{inAddrs, "192.0.2.1 use_vmac x", 5},
		{inAddrs, "192.0.2.1 scope +5", 0},
		{inAddrs, "192.0.2.1 scope 4294967296", 0},
		{inAddrs, "192.0.2.1 scope 256", 5},
		{inAddrs, `192.0.2.1 scope ""`, 5},
		{inAddrs, "192.0.2.1 label 1234567890123456", 5},
		{inAddrs, "2001:db8::1 label x", 5},
		{inAddrs, "192.0.2.1 peer 192.0.2.9", 0},
		{inAddrs, "192.0.2.1/24 peer 192.0.2.9", 5},
		{inAddrs, "~LST({},{1}) 192.0.2.1", 0},

		{inGroup, "group {\nVI_1\n}", 0},
		{inGroup, "group {\n}", 5},
		{inGroup, "group {\nVI_1\n}\ngroup {\nVI_1\n}", 5},
		{inGARP, "interfaces {\n}", 5},
		{inFile, "init_file -5", 0},
		{inFile, "init_file +5", 5},
		{inFile, `init_file ""`, 5},
		{inScript, "weight 300", 5},
		{inScript, "weight 253", 0},
		{inScript, `script ""`, 0}, // the one above stays

		{inService, "persistence_granularity 0x10", 0},
		{inService, "persistence_granularity 0xffffff00", 0},
		{inService, "persistence_granularity 0x", 5},
		{inService, "sorry_server 192.0.2.9/33 80", 0},
		{inService, "sorry_server 192.0.2.9-12 80", 0},
		{inService, "sorry_server_lvs_method", 5},
		{inService, "sorry_server 192.0.2.9\nsorry_server_lvs_method", 2},
		{inCheck, "connect_ip 192.0.2.9/33", 0},
		{inCheck, "bindto 192.0.2.9-10", 0},
		{inCheck, "bind_if 1234567890123456", 5},

		{inRoutes, "192.0.2.0/24 dev eth0 203.0.113.0/24", 0},
		{inRoutes, "192.0.2.0/24 dev eth0 default", 5},
		{inRoutes, "192.0.2.0/24 dev eth0 foo", 5},
		{inRoutes, "192.0.2.0/24 dev eth0 1", 2}, // a kind of route
		{inRoutes, "192.0.2.0/24 dev eth0 4294967296", 5},
		{inRoutes, `192.0.2.0/24 dev eth0 table ""`, 5},
		{inRoutes, "6 192.0.2.0/24", 0},
		{inRoutes, "2001:db8::/64 dev eth0 default6", 0},
		{inRoutes, "inet 192.0.2.0/24 dev eth0", 5},
		{inRoutes, "inet to 192.0.2.0/24 dev eth0", 0},
		{inRoutes, "192.0.2.0/24 dev eth0 table -1", 0},
		{inRoutes, "192.0.2.0/24 dev eth0 rtt 1600", 0},
		{inRoutes, "192.0.2.0/24 dev eth0 rtt 1599", 5},
		{inRoutes, "192.0.2.0/24 dev eth0 rtt 199ms", 5},
		{inRoutes, "192.0.2.0/24 dev eth0 rtt 0.2s", 0},
		{inRoutes, "192.0.2.0/24 dev eth0 rtt 120s", 0},
		{inRoutes, "192.0.2.0/24 dev eth0 rtt 121s", 5},
		{inRoutes, "192.0.2.0/24 dev eth0 rtt 960001", 5},
		{inRoutes, "192.0.2.0/24 dev eth0 rtt 3e4", 5},
		{inRoutes, "192.0.2.0/24 dev eth0 rttvar 799", 5},
		{inRoutes, "192.0.2.0/24 dev eth0 rto_min 120001", 5},
		{inRoutes, "192.0.2.0/24 nexthop via 198.51.100.9 metric 3", 5},
		{inRoutes, "192.0.2.0/24 dev eth0 realms 1/255", 0},
		{inRoutes, "192.0.2.0/24 dev eth0 realms 1/256", 5},
		{inRoutes, "2001:db8::/64 dev eth0 realms 3", 5},
		{inRoutes, "2001:db8::/64 dev eth0 pref 7", 0},
		{inRoutes, "192.0.2.0/24 dev eth0 pref", 5},
		{inRoutes, "192.0.2.0/24 dev eth0 expires", 5},
		{inRoutes, "192.0.2.0/24 dev eth0 encap", 5},
		{inRoutes, "192.0.2.0/24 dev eth0 encap ip", 5},
		{inRoutes, "192.0.2.0/24 via 198.51.100.9 nexthop via 198.51.100.8", 0},

		{inRules, "from 2001:db8::/64 table 5 preference 3 realms 3", 5},
		{inInstance, "strict_mode on\ndown_timer_adverts 2", 5},
		{inInstance, "strict_mode on\ndown_timer_adverts 3", 0},
		{inRules, "from 192.0.2.0/24 goto 30000", 5},
		{inRules, "from 192.0.2.0/24 prohibit preference 3 realms 3/4", 5},
		{inRules, "from 192.0.2.0/24 nop preference 3 suppress_prefixlength 8", 5},
		{inRules, "from 192.0.2.0/24 goto 30000 preference 3 suppress_ifgroup 8", 5},
		{inRules, "from 192.0.2.0/24 l3mdev preference 3 suppress_ifgroup 8", 0},
		{inRules, "from all to 192.0.2.0/24 table 5 preference 3", 0},
		{inRules, "to 192.0.2.0/24 from all table 5 preference 3", 5},
		{inRules, "inet from all table 5 preference 3", 5},
		{inRules, "from 192.0.2.1 table 5 nop preference 3", 5},
		{inRules, "from 192.0.2.1 nop table 5 preference 3", 5},
		{inRules, "from 192.0.2.1 l3mdev nop preference 3", 5},
		{inRules, "from 192.0.2.1 table 0 preference 3", 5},
		{inRules, "from 192.0.2.1 goto 5 preference 6", 5},
		{inRules, "from 192.0.2.1 goto 5 preference 3", 0},
		{inRules, "from 192.0.2.1 table 5 preference 0x10", 0},
		{inRules, "from 192.0.2.1 table 5 preference 3 sup_pl 129", 0},
		{inRules, "from 192.0.2.1 table 5 preference 3 uidrange -1", 5},
		{inRules, "from 192.0.2.1 table 5 preference 3 ipproto 0x10", 5},
		{inRules, "from 192.0.2.1 table 5 preference 3 ipproto +5", 0},
		{inRules, "from 192.0.2.1 table 5 preference 3 fwmark 1/", 0},
	} {
		t.Run(tt.line, func(t *testing.T) {
			text := fmt.Sprintf(tt.place, tt.line)
			r := config.Load("t.conf", syntax.Options{Source: syntax.Text("t.conf", text)}, config.Test, testMachine())
			if got := diag.ExitStatus(r.Problems); got != tt.want {
				t.Errorf("status %d, want %d\n%s", got, tt.want, text)
				for _, p := range r.Problems {
					t.Log(diag.Renderer{}.Text(p))
				}
			}
		})
	}
}

// Times of routes are in the kernel's units, eighths and quarters of a millisecond for
// the round trip and its variance, and so are numbers without a unit. The values are what
// keepalived gives the kernel.
func TestRouteTimes(t *testing.T) {
	for _, tt := range []struct {
		option string
		want   uint32
	}{
		{"rtt 300ms", 2400},
		{"rtt lock 300ms", 2400},
		{"rtt 1.5s", 12_000},
		{"rtt 3000", 3000},
		{"rtt 300", 1600},
		{"rtt 100ms", 1600},
		{"rtt 121s", 960_000},
		{"rttvar 300ms", 1200},
		{"rttvar 3000", 3000},
		{"rto_min 300ms", 300},
		{"rto_min 300", 300},
	} {
		t.Run(tt.option, func(t *testing.T) {
			text := fmt.Sprintf(inRoutes, "192.0.2.0/24 dev eth0 "+tt.option)
			r := config.Load("t.conf", syntax.Options{Source: syntax.Text("t.conf", text)}, config.Test, testMachine())
			m := r.Config.StaticRoutes[0].Metrics
			if got := cmp.Or(m.RTT, m.RTTVar, m.RTOMin); got == nil || *got != tt.want {
				t.Errorf("got %v, want %d", got, tt.want)
			}
		})
	}
}

// A sorry server without a port has that of the service, and with NAT the kernel's word
// for that, as with keepalived.
func TestPortOfSorryServer(t *testing.T) {
	for kind, want := range map[string]uint16{"NAT": 0, "DR": 80, "TUN": 80} {
		text := fmt.Sprintf("virtual_server 192.0.2.20 80 {\nlb_algo rr\nlb_kind %s\nprotocol TCP\nsorry_server 192.0.2.40\nreal_server 192.0.2.30 80 {\n}\n}\n", kind)
		r := config.Load("t.conf", syntax.Options{Source: syntax.Text("t.conf", text)}, config.Test, testMachine())
		if got := r.Config.VirtualServers[0].Sorry.Addr.Port(); got != want {
			t.Errorf("%s: port %d, want %d", kind, got, want)
		}
	}
}
