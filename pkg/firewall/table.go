package firewall

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Registers of 4 bytes; an IPv6 address takes four of them.
const (
	reg0 = unix.NFT_REG32_00
	reg1 = unix.NFT_REG32_01
	reg4 = unix.NFT_REG32_04
)

// ICMPv6 types that the rules know.
const (
	icmp6RouterSolicit   = 133
	icmp6NeighborSolicit = 135
	icmp6NeighborAdvert  = 136
	icmp6MLD2Report      = 143
)

// tableBuilder queues the content of one table.
type tableBuilder struct {
	conn    *nftables.Conn
	table   *nftables.Table
	options Options
	rules   int // how many were queued
	err     error
}

// policy queues the rules of the vrrp role.
func (t *tableBuilder) policy(p Policy, six bool) {
	out := t.chain("out", nftables.ChainHookOutput, nftables.ChainTypeFilter, t.options.Priority)
	t.virtual(out, p, six)
	if len(p.Silent) == 0 {
		return
	}
	in := t.chain("in", nftables.ChainHookInput, nftables.ChainTypeFilter, t.options.Priority)
	if six {
		for _, c := range []*nftables.Chain{out, in} {
			for _, kind := range []byte{icmp6NeighborSolicit, icmp6NeighborAdvert} {
				t.rule(c, expr.VerdictAccept, icmp6(kind)...)
			}
		}
	}
	t.silence(out, in, p, six)
}

// virtual queues what concerns virtual MAC interfaces. Membership reports leave
// through the parent, with its own MAC: a report from the virtual MAC of a
// backup would teach switches that the virtual MAC lives here.
func (t *tableBuilder) virtual(out *nftables.Chain, p Policy, six bool) {
	if len(p.Virtual) == 0 {
		return
	}
	var all, idle []nftables.SetElement
	under := map[int][]nftables.SetElement{} // by parent
	for _, v := range p.Virtual {
		e := nftables.SetElement{Key: native(v.Index)}
		all = append(all, e)
		under[v.Parent] = append(under[v.Parent], e)
		if v.Idle {
			idle = append(idle, e)
		}
	}
	report := protocol(unix.IPPROTO_IGMP)
	if six {
		report = icmp6(icmp6MLD2Report)
	}
	for _, parent := range slices.Sorted(maps.Keys(under)) {
		set := t.links(fmt.Sprintf("vmac_on_%d", parent), under[parent])
		t.rule(out, expr.VerdictDrop, slices.Concat(report, match(expr.MetaKeyOIF, set), []expr.Any{
			address(six, false, reg0),
			&expr.Immediate{Register: reg4, Data: native(parent)},
			&expr.Dup{RegAddr: reg0, RegDev: reg4, IsRegDevSet: true},
		})...)
	}
	if six {
		set := t.links("vmac_set", all)
		t.rule(out, expr.VerdictDrop, append(icmp6(icmp6RouterSolicit), match(expr.MetaKeyOIF, set)...)...)
	}
	if len(idle) > 0 {
		set := t.links("vmac_idle", idle)
		pre := t.chain("pre", nftables.ChainHookPrerouting, nftables.ChainTypeFilter, t.options.Priority)
		t.rule(pre, expr.VerdictDrop, append(match(expr.MetaKeyIIF, set),
			&expr.Meta{Key: expr.MetaKeyPKTTYPE, Register: reg0},
			&expr.Cmp{Op: expr.CmpOpEq, Register: reg0, Data: []byte{unix.PACKET_HOST}})...)
	}
}

// silence queues the rules for addresses that nobody may talk to.
func (t *tableBuilder) silence(out, in *nftables.Chain, p Policy, six bool) {
	var plain, local []nftables.SetElement
	for _, s := range p.Silent {
		if linkLocal(s.Addr) {
			local = append(local, nftables.SetElement{Key: append(s.Addr.AsSlice(), native(s.Index)...)})
			continue
		}
		plain = append(plain, nftables.SetElement{Key: s.Addr.AsSlice()})
	}
	kind := nftables.TypeIPAddr
	if six {
		kind = nftables.TypeIP6Addr
	}
	if len(plain) > 0 {
		set := t.set(&nftables.Set{Name: "vips", KeyType: kind}, plain)
		look := &expr.Lookup{SourceRegister: reg0, SetName: set.Name, SetID: set.ID}
		t.rule(out, expr.VerdictDrop, address(six, true, reg0), look)
		t.rule(in, expr.VerdictDrop, address(six, false, reg0), look)
	}
	if len(local) > 0 {
		set := t.set(&nftables.Set{Name: "vips_link_local", Concatenation: true, KeyType: nftables.MustConcatSetType(kind, nftables.TypeIFIndex)}, local)
		look := &expr.Lookup{SourceRegister: reg0, SetName: set.Name, SetID: set.ID}
		t.rule(out, expr.VerdictDrop, address(six, true, reg0), &expr.Meta{Key: expr.MetaKeyOIF, Register: reg4}, look)
		t.rule(in, expr.VerdictDrop, address(six, false, reg0), &expr.Meta{Key: expr.MetaKeyIIF, Register: reg4}, look)
	}
}

// services queues the rules of the checkers role.
func (t *tableBuilder) services(p ServicePolicy, six bool) {
	kind, afterAddr := nftables.TypeIPAddr, uint32(reg1)
	if six {
		kind, afterAddr = nftables.TypeIP6Addr, reg4
	}
	key := nftables.MustConcatSetType(kind, nftables.TypeInetProto, nftables.TypeInetService)
	if len(p.Marks) > 0 {
		t.marks(p.Marks, six, key, afterAddr)
	}
	if len(p.SNAT) > 0 {
		t.sourceNAT(p.SNAT, six)
	}
}

// marks sets the firewall mark of packets that come in, and of our own: one rule
// and one set for each mark, with or without regard to ports.
func (t *tableBuilder) marks(list []Mark, six bool, key nftables.SetDatatype, afterAddr uint32) {
	hooks := []*nftables.Chain{
		t.chain("in", nftables.ChainHookPrerouting, nftables.ChainTypeFilter, t.options.Priority),
		t.chain("out", nftables.ChainHookOutput, nftables.ChainTypeRoute, t.options.Priority),
	}
	type group struct {
		mark     uint32
		allPorts bool
	}
	elems := map[group][]nftables.SetElement{}
	for _, m := range list {
		g := group{m.FWMark, m.Port == 0}
		elems[g] = append(elems[g], nftables.SetElement{Key: serviceKey(m.Addr, m.Protocol, m.Port)})
	}
	for _, g := range slices.SortedFunc(maps.Keys(elems), func(a, b group) int {
		return cmp.Or(cmp.Compare(a.mark, b.mark), cmp.Compare(len(elems[a]), len(elems[b])))
	}) {
		name, port := fmt.Sprintf("mark_%d", g.mark), expr.Any(&expr.Payload{DestRegister: afterAddr + 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2})
		if g.allPorts {
			name += "_all_ports"
			port = &expr.Immediate{Register: afterAddr + 1, Data: []byte{0, 0}}
		}
		set := t.set(&nftables.Set{Name: name, Concatenation: true, KeyType: key}, elems[g])
		for _, c := range hooks {
			t.rule(c, expr.VerdictContinue, address(six, false, reg0),
				&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: afterAddr},
				port,
				&expr.Lookup{SourceRegister: reg0, SetName: set.Name, SetID: set.ID},
				&expr.Immediate{Register: reg0, Data: native(int(g.mark))},
				&expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: reg0})
		}
	}
}

// sourceNAT changes the source of connections that were made to a virtual
// service, by what the client asked for: IPVS has put the real server in its
// place when the packet leaves. One rule each, which only the first packet of a
// connection meets: the program nft cannot show such a key of a map.
func (t *tableBuilder) sourceNAT(list []SNAT, six bool) {
	family := uint32(unix.NFPROTO_IPV4)
	if six {
		family = unix.NFPROTO_IPV6
	}
	post := t.chain("post", nftables.ChainHookPostrouting, nftables.ChainTypeNAT, 100)
	for _, s := range list {
		conditions := append(protocol(s.Protocol),
			&expr.Ct{Key: expr.CtKeyDST, Register: reg0}, // of the original direction
			&expr.Cmp{Op: expr.CmpOpEq, Register: reg0, Data: s.Addr.AsSlice()})
		if s.Port != 0 {
			conditions = append(conditions,
				&expr.Ct{Key: expr.CtKeyPROTODST, Register: reg0},
				&expr.Cmp{Op: expr.CmpOpEq, Register: reg0, Data: binary.BigEndian.AppendUint16(nil, s.Port)})
		}
		t.rule(post, expr.VerdictContinue, append(conditions,
			&expr.Immediate{Register: reg0, Data: s.Source.AsSlice()},
			&expr.NAT{Type: expr.NATTypeSourceNAT, Family: family, RegAddrMin: reg0})...)
	}
}

// chain queues a base chain.
func (t *tableBuilder) chain(name string, hook *nftables.ChainHook, kind nftables.ChainType, priority int32) *nftables.Chain {
	accept := nftables.ChainPolicyAccept
	return t.conn.AddChain(&nftables.Chain{
		Name: name, Table: t.table, Type: kind, Hooknum: hook, Policy: &accept,
		Priority: nftables.ChainPriorityRef(nftables.ChainPriority(priority)),
	})
}

// links queues a set of interfaces.
func (t *tableBuilder) links(name string, elems []nftables.SetElement) *nftables.Set {
	return t.set(&nftables.Set{Name: name, KeyType: nftables.TypeIFIndex, KeyByteOrder: binaryutil.NativeEndian}, elems)
}

// set queues a set or map with its elements.
func (t *tableBuilder) set(s *nftables.Set, elems []nftables.SetElement) *nftables.Set {
	s.Table = t.table
	err := t.conn.AddSet(s, nil)
	for chunk := range slices.Chunk(elems, elementsPerMessage) {
		err = errors.Join(err, t.conn.SetAddElements(s, chunk))
	}
	t.err = errors.Join(t.err, err)
	return s
}

// elementsPerMessage keeps a list of elements well below the 64 kB that a
// netlink attribute holds.
const elementsPerMessage = 500

// rule queues a rule: the conditions, a counter if wanted, the verdict.
func (t *tableBuilder) rule(c *nftables.Chain, verdict expr.VerdictKind, conditions ...expr.Any) {
	exprs := conditions
	if t.options.Counters {
		exprs = append(exprs, &expr.Counter{})
	}
	if verdict != expr.VerdictContinue {
		exprs = append(exprs, &expr.Verdict{Kind: verdict})
	}
	t.rules++
	t.conn.AddRule(&nftables.Rule{Table: t.table, Chain: c, Exprs: exprs})
}

// protocol matches the transport protocol.
func protocol(number byte) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg0},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg0, Data: []byte{number}},
	}
}

// icmp6 matches one type of ICMPv6 message.
func icmp6(kind byte) []expr.Any {
	return append(protocol(unix.IPPROTO_ICMPV6),
		&expr.Payload{DestRegister: reg0, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg0, Data: []byte{kind}})
}

// match matches an interface against a set.
func match(key expr.MetaKey, set *nftables.Set) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: key, Register: reg4},
		&expr.Lookup{SourceRegister: reg4, SetName: set.Name, SetID: set.ID},
	}
}

// address loads the source or destination address of a packet.
func address(six, source bool, register uint32) expr.Any {
	p := &expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 4}
	if six {
		p.Offset, p.Len = 24, 16
	}
	if source {
		p.Offset -= p.Len
	}
	return p
}

// native is a number of 4 bytes as the kernel has it in a register.
func native(v int) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(v)) }

// serviceKey is address, protocol and port, each in whole registers.
func serviceKey(a netip.Addr, protocol uint8, port uint16) []byte {
	b := append(a.AsSlice(), protocol, 0, 0, 0)
	return append(binary.BigEndian.AppendUint16(b, port), 0, 0)
}
