package netstate

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// tunnelFlags are the words of ip(8) for the flags of an IP tunnel, with the
// kernel's bits (TUNNEL_*).
var tunnelFlags = map[string]uint16{"csum": 1, "key": 4, "seq": 8}

// ParseEncap reads the words that follow "encap KIND" of a route, as ip(8) has
// them: "mpls 100/200 ttl 9", "ip id 7 dst 192.0.2.1 src … ttl … tos … csum key
// seq", "ip6 id … dst … src … hoplimit … tc …", "ila 1:2:3:4 csum-mode … ident-type
// … hook-type …".
func ParseEncap(kind string, words []string) (Encap, error) {
	kinds := map[string]EncapKind{"mpls": EncapMPLS, "ip": EncapIP, "ip6": EncapIP6, "ila": EncapILA}
	e := Encap{Kind: kinds[kind]}
	if e.Kind == EncapNone {
		return e, fmt.Errorf("encap %s: the kinds are mpls, ip, ip6 and ila", kind)
	}
	if e.Kind == EncapMPLS || e.Kind == EncapILA {
		if len(words) == 0 {
			return e, fmt.Errorf("encap %s: the first word is missing", kind)
		}
		if err := e.parseFirst(words[0]); err != nil {
			return e, fmt.Errorf("encap %s %s: %w", kind, words[0], err)
		}
		words = words[1:]
	}
	for len(words) > 0 {
		if flag, ok := tunnelFlags[words[0]]; ok && e.Kind != EncapMPLS && e.Kind != EncapILA {
			e.Flags |= flag
			words = words[1:]
			continue
		}
		if len(words) < 2 {
			return e, fmt.Errorf("encap %s: %s lacks a value", kind, words[0])
		}
		if err := e.parseOption(words[0], words[1]); err != nil {
			return e, fmt.Errorf("encap %s %s %s: %w", kind, words[0], words[1], err)
		}
		words = words[2:]
	}
	return e, nil
}

// parseFirst reads the labels of MPLS or the locator of ILA.
func (e *Encap) parseFirst(word string) (err error) {
	if e.Kind == EncapILA {
		e.Locator, err = parseLocator(word)
		return err
	}
	for part := range strings.SplitSeq(word, "/") {
		n, err := strconv.ParseUint(part, 0, 20)
		if err != nil {
			return fmt.Errorf("%q is no label", part)
		}
		e.Labels = append(e.Labels, uint32(n))
	}
	return nil
}

// parseLocator reads four 16-bit hexadecimal numbers with colons between them.
func parseLocator(word string) (uint64, error) {
	parts := strings.Split(word, ":")
	if len(parts) != 4 {
		return 0, fmt.Errorf("a locator has four parts")
	}
	var v uint64
	for _, part := range parts {
		n, err := strconv.ParseUint(part, 16, 16)
		if err != nil {
			return 0, fmt.Errorf("%q is no hexadecimal number of 16 bits", part)
		}
		v = v<<16 | n
	}
	return v, nil
}

func (e *Encap) parseOption(name, value string) (err error) {
	ip := e.Kind == EncapIP || e.Kind == EncapIP6
	switch {
	case ip && name == "id":
		e.ID, err = strconv.ParseUint(value, 0, 64)
	case ip && name == "dst":
		e.Dst, err = e.parseAddr(value)
	case ip && name == "src":
		e.Src, err = e.parseAddr(value)
	case e.Kind != EncapILA && (name == "ttl" || ip && name == "hoplimit"):
		e.TTL, err = parseByte(value)
	case ip && (name == "tos" || name == "tc"):
		e.TOS, err = parseByte(value)
	case e.Kind == EncapILA && name == "csum-mode":
		e.ChecksumMode, err = parseChoice(value, "adj-transport", "neutral-map", "no-action", "neutral-map-auto")
	case e.Kind == EncapILA && name == "ident-type":
		e.IdentType, err = parseChoice(value, "iid", "luid")
		if value == "use-format" {
			e.IdentType, err = Some(uint8(32)), nil
		}
	case e.Kind == EncapILA && name == "hook-type":
		e.HookType, err = parseChoice(value, "output", "input")
	default:
		err = fmt.Errorf("no such option")
	}
	return err
}

func (e *Encap) parseAddr(value string) (netip.Addr, error) {
	a, err := netip.ParseAddr(value)
	if err == nil && a.Is4() != (e.Kind == EncapIP) {
		err = fmt.Errorf("the address is of the other family")
	}
	return a, err
}

func parseByte(value string) (uint8, error) {
	n, err := strconv.ParseUint(value, 0, 8)
	return uint8(n), err
}

// parseChoice is the position of value among names.
func parseChoice(value string, names ...string) (Opt[uint8], error) {
	for i, name := range names {
		if value == name {
			return Some(uint8(i)), nil
		}
	}
	return Opt[uint8]{}, fmt.Errorf("the choices are %s", strings.Join(names, ", "))
}
