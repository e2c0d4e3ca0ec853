package config

// remedy is the advice for a kind of problem where nothing more precise is
// known: what to type instead.
func remedy(id string) string {
	switch id {
	case "advert-int-range":
		return "write 0.01 to 40.95 seconds, or use version 2 for up to 255"
	case "ah-master":
		return "write state BACKUP and let the priority decide"
	case "deprecated-block", "deprecated-keyword", "deprecated-option":
		return "use the new spelling; the meaning is the same"
	case "not-in-effect":
		return "it is kept and checked, and does nothing; see docs/compatibility.md"
	case "duplicate-interface":
		return "name each interface in one garp_group only"
	case "duplicate-address", "duplicate-keyword", "duplicate-name", "duplicate-real-server", "duplicate-script", "duplicate-track":
		return "remove one of the two"
	case "duplicate-vrid":
		return "give each instance on an interface its own virtual_router_id, or unite their addresses in one"
	case "fifo-without-user":
		return "correct script_user, or write the owner behind the path"
	case "iptables-and-nftables":
		return "remove vrrp_iptables, or nftables"
	case "unknown-server-group":
		return "write a virtual_server_group of that name"
	case "duplicate-option":
		return "remove one of the two; an address is on one interface"
	case "extra-words":
		return "put several words into double quotes"
	case "missing-password":
		return "add auth_pass with at most 8 characters, the same on all routers of this address, or remove the block"
	case "duplicate-peer":
		return "remove one of the two"
	case "missing-id":
		return "write id in front of the number"
	case "empty-block":
		return "put something between the braces, or remove the block"
	case "empty-command":
		return `write the command in double quotes: "/path/to/program arguments"`
	case "empty-group", "small-group":
		return "name at least two instances in group { }, or remove the sync group"
	case "family-mismatch":
		return "use addresses of one family, IPv4 or IPv6, and a block of its own for the other"
	case "group-weight":
		return "write sync_group_tracking_weight in the group, or track it there"
	case "group-twice":
		return "list each instance in one sync group only"
	case "hmac-active-key":
		return "write active_key with the number of one of the keys above"
	case "hysteresis-too-high":
		return "write a hysteresis below the quorum"
	case "incomplete-block":
		return "write garp_group { garp_interval SECONDS  interface NAME }"
	case "invalid-address":
		return "write an address such as 192.0.2.10 or 2001:db8::10, where a prefix is allowed with /24 or /64 behind it"
	case "invalid-dns-name":
		return "write a host name such as www.example.org"
	case "invalid-name":
		return "leave the name away for vrrp.VRID, or write one of at most 15 letters and digits"
	case "invalid-regex-number":
		return "write a number of bytes, such as 100"
	case "invalid-hex":
		return "write pairs of the digits 0 to 9 and a to f"
	case "invalid-key":
		return "write key NUMBER hex:DIGITS with 64 to 128 hexadecimal digits: openssl rand -hex 32 makes one"
	case "invalid-mac":
		return "write six bytes such as 02:00:5e:00:01:33, or five and leave the last to the virtual_router_id"
	case "invalid-number":
		return "write digits alone, without a unit"
	case "invalid-umask":
		return "write an octal number such as 0177, or names such as IRWXG|IRWXO"
	case "invalid-range":
		return "write the lower number first: 1000-2000"
	case "invalid-regex":
		return "put it into double quotes"
	case "ipvlan-source":
		return "write use_ipvlan ADDRESS, with an address that is free for the interface"
	case "link-local-target":
		return "add bind_if with the interface behind which the server is"
	case "loopback-interface":
		return "name the interface that the other routers are on, such as eth0"
	case "missing-argument", "missing-value":
		return "add the value behind it, or remove the word"
	case "missing-closing-brace":
		return "add a } where the block ends"
	case "missing-destination":
		return "begin the line with a network, or with default"
	case "missing-expect":
		return `add: expect "REGEX"`
	case "missing-secret":
		return "add: secret WORD, the one that the server shares with this machine"
	case "missing-file":
		return "add the file: file PATH in track_file, track_file NAME in FILE_CHECK"
	case "missing-name":
		return "add a name, such as name NAME"
	case "missing-neighbor":
		return "add: neighbor_ip ADDRESS"
	case "missing-process":
		return "add: process NAME"
	case "missing-sorry-server":
		return "write it below sorry_server ADDRESS PORT"
	case "name-too-long":
		return "choose a shorter name"
	case "needs-nopreempt":
		return "add nopreempt, or remove it"
	case "no-broadcast":
		return "leave brd away, or use a prefix of at most /30"
	case "nopreempt-owner":
		return "use a priority below 255, or remove nopreempt"
	case "not-a-directory":
		return "create the directory, or name another one"
	case "missing-directory":
		return "create the directory, or correct the path"
	case "not-a-regular-file":
		return "name a regular file, or remove overwrite"
	case "not-multicast":
		return "write an address in 224.0.0.0/4 or ff00::/8; the usual ones are 224.0.0.18 and ff02::12"
	case "number-trailing-text":
		return "write the number alone: -t refuses it as it stands"
	case "number-out-of-range":
		return "write a number in that range; until then the line has no effect"
	case "number-too-precise":
		return "write fewer decimal places; it is rounded"
	case "ops-needs-udp":
		return "write protocol UDP, or remove ops"
	case "option-family":
		return "leave it away, or use addresses of the other family"
	case "owner-only":
		return "set priority 255 on the router that owns the addresses, or remove it"
	case "password-too-long":
		return "use at most 8 characters, the same on all routers"
	case "port-mismatch":
		return "write the port of the virtual_server, or use lb_kind NAT, which alone translates ports"
	case "port-zero":
		return "add persistence_timeout, or write the port of the service"
	case "preempt-delay-master":
		return "write state BACKUP on all routers, or remove preempt_delay"
	case "preempt-delay-nopreempt":
		return "remove one of the two"
	case "mark-ignored":
		return "remove fwmark, or probe_via_vip"
	case "protocol-of-mark":
		return "remove protocol: the rule that sets the mark decides"
	case "quorum-range":
		return "write a quorum_max that is at least the quorum"
	case "quorum-too-high":
		return "write a quorum that the weights of the real servers can reach"
	case "reject-without-expect":
		return "write it directly below the expect whose answer it refuses"
	case "reply-length":
		return "write a max_reply_length above it"
	case "route-conflict":
		return "leave one of the two away"
	case "script-not-found":
		return "check the path, and chmod a+x the file"
	case "strict-master":
		return "write state BACKUP, or priority 255 on the router that owns the addresses"
	case "strict-preempt-delay":
		return "remove preempt_delay, or vrrp_strict (strict_mode)"
	case "via-vip":
		return "remove it here, or give it to checks that connect to servers of DR or TUN"
	case "tls-off":
		return "add tls, or remove them"
	case "time-too-long":
		return "write at most 120s"
	case "time-too-short":
		return "write at least 200ms"
	case "track-own-interface":
		return "remove it from track_interface"
	case "track-twice":
		return "track it in the group or in the instance, not in both"
	case "tunnel-option":
		return "write the options of a tunnel behind TUN, and a checksum only with type gue or gre"
	case "tunnel-port":
		return "write: lb_kind TUN type gue port 6080"
	case "unknown-cpu":
		return "the first CPU is 0: write a smaller number"
	case "unknown-group":
		return "create it, or name another one"
	case "unknown-interface":
		return "check its name with: ip link"
	case "unknown-member", "unknown-track":
		return "define it first, or check the spelling: names are compared letter by letter"
	case "unknown-option":
		return "check the spelling and the order: an option that takes a value swallows the next word"
	case "unknown-realm":
		return "write a number, or a name of /etc/iproute2/rt_realms"
	case "unknown-regex-option":
		return "it may be caseless, multiline, dotall, extended, utf, ungreedy and others of PCRE2, in lower case"
	case "unknown-routing-table":
		return "write a number, or a name of /etc/iproute2/rt_tables"
	case "unknown-scheduler":
		return "it may be rr, wrr, lc, wlc, lblc, lblcr, sh, mh, dh, fo, ovf, sed, nq or twos"
	case "unterminated-quote":
		return "add the closing quote"
	case "version-family":
		return "remove version 2: IPv6 uses version 3 by itself"
	case "vmac-and-ipvlan":
		return "remove one of the two"
	case "vmac-name-taken":
		return "choose a name that no interface has, or leave it away for vrrp.VRID"
	case "vmac-only":
		return "add use_vmac, or remove vmac_xmit_base"
	case "vmac-promote":
		return "remove promote_secondaries"
	case "vmac-unicast":
		return "add vmac_xmit_base"
	case "vrf-and-interface":
		return "remove one of the two: vrf is for unicast instances without an interface"
	case "weight-owner":
		return "use a priority below 255, or leave the weight away so that a failure means FAULT"
	}
	return ""
}
