package config

import (
	"errors"
	"strconv"
	"strings"
)

// nameTable is one of iproute2's tables of names for numbers.
type nameTable struct {
	file  string
	names map[string]uint32 // what iproute2 knows without its file
	max   uint32
}

var (
	scopeNames  = nameTable{"rt_scopes", map[string]uint32{"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}, 255}
	tableNames  = nameTable{"rt_tables", map[string]uint32{"default": 253, "main": 254, "local": 255}, 1<<32 - 1}
	protoNames  = nameTable{"rt_protos", map[string]uint32{"redirect": 1, "kernel": 2, "boot": 3, "static": 4, "keepalived": 18}, 255}
	dsNames     = nameTable{"rt_dsfield", nil, 255}
	realmNames  = nameTable{"rt_realms", nil, 255}
	groupNames  = nameTable{"group", map[string]uint32{"default": 0}, 1<<31 - 1}
	ipProtocols = map[string]int{"icmp": 1, "tcp": 6, "udp": 17, "ipv6-icmp": 58, "icmpv6": 58, "sctp": 132, "dccp": 33}
)

// cNumber reads a number as the C library does: decimal, octal with a 0 in front,
// or hexadecimal with 0x; a sign is allowed, and nothing is 0. Only the lower
// 32 bits are kept.
func cNumber(s string) (uint32, bool) {
	n, ok := cLong(s)
	return uint32(n), ok
}

func cLong(s string) (uint64, bool) {
	s = strings.TrimLeft(s, " \t")
	digits := strings.TrimLeft(s, "+-")
	if s == "" || digits == "" || len(s)-len(digits) > 1 || strings.Contains(s, "_") {
		return 0, s == ""
	}
	if strings.HasPrefix(digits, "0b") || strings.HasPrefix(digits, "0o") { // which Go alone knows
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 0, 64)
	if errors.Is(err, strconv.ErrSyntax) {
		return 0, false
	}
	if s[0] == '-' {
		n = -n
	}
	return n, true
}

// number resolves a name or a number.
func (d *decoder) number(t *nameTable, s string) (uint32, bool) {
	if n, ok := cNumber(s); ok && s != "" {
		return n, n <= t.max
	}
	if n, ok := t.names[s]; ok {
		return n, true
	}
	for _, dir := range [...]string{d.g.IPRouteEtcDir, d.g.IPRouteUsrDir} {
		text, _ := d.env.readFile(dir + "/" + t.file)
		for line := range strings.Lines(text) {
			f := strings.Fields(line)
			if len(f) < 2 || f[1] != s || f[0][0] == '#' {
				continue
			}
			if n, err := strconv.ParseUint(f[0], 0, 32); err == nil {
				return uint32(n), true
			}
		}
	}
	return 0, false
}
