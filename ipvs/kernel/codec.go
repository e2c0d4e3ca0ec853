package kernel

import (
	"net/netip"
	"time"

	"github.com/holdfast-lb/holdfast/ipvs"
)

// Commands of <linux/ip_vs.h>.
const (
	cmdNewService = iota + 1
	cmdSetService
	cmdDelService
	cmdGetService
	cmdNewDest
	cmdSetDest
	cmdDelDest
	cmdGetDest
	cmdNewDaemon
	cmdDelDaemon
	cmdGetDaemon
	_ // set config, see moby/ipvs
	_ // get config
	_ // set info
	_ // get info
	cmdZero
)

// familyVersion is the version of the IPVS family.
const familyVersion = 1

// Attributes of a command.
const (
	attrService = iota + 1
	attrDest
	attrDaemon
)

// Attributes of a service.
const (
	svcFamily = iota + 1
	svcProtocol
	svcAddr
	svcPort
	svcFWMark
	svcScheduler
	svcFlags
	svcTimeout
	svcNetmask
	svcStats
	svcEngine
	svcStats64
)

// Attributes of a destination.
const (
	destAddr = iota + 1
	destPort
	destMethod
	destWeight
	destUpper
	destLower
	destActive
	destInactive
	destPersistent
	destStats
	destFamily
	destStats64
	destTunnelType
	destTunnelPort
	destTunnelFlags
)

// Attributes of a synchronisation daemon.
const (
	daemonState = iota + 1
	daemonInterface
	daemonID
	daemonMaxLen
	daemonGroup
	daemonGroup6
	daemonPort
	daemonTTL
)

// Attributes of counters, of both widths.
const (
	statsConnections = iota + 1
	statsPacketsIn
	statsPacketsOut
	statsBytesIn
	statsBytesOut
	statsConnectionRate
	statsPacketRateIn
	statsPacketRateOut
	statsByteRateIn
	statsByteRateOut
)

// methodMask covers the forwarding method in the flags of a destination.
const methodMask = 0x7

// commands are the commands of the verbs.
var commands = [...]uint8{
	ipvs.AddService:        cmdNewService,
	ipvs.EditService:       cmdSetService,
	ipvs.DeleteService:     cmdDelService,
	ipvs.AddDestination:    cmdNewDest,
	ipvs.EditDestination:   cmdSetDest,
	ipvs.DeleteDestination: cmdDelDest,
}

// op appends the attributes of a request.
func (m *message) op(o *ipvs.Op) {
	at := m.nest(attrService)
	m.key(&o.Service.Key)
	if o.Verb == ipvs.AddService || o.Verb == ipvs.EditService {
		m.service(&o.Service)
	}
	m.unnest(at)
	if o.Verb < ipvs.AddDestination {
		return
	}
	at = m.nest(attrDest)
	m.addr(destAddr, o.Destination.Addr)
	m.port(destPort, o.Destination.Port)
	m.uint16(destFamily, uint16(o.Destination.Family()))
	if o.Verb != ipvs.DeleteDestination {
		m.destination(&o.Destination)
	}
	m.unnest(at)
}

// addr writes an address as the kernel's union: always 16 bytes.
func (m *message) addr(typ uint16, a netip.Addr) {
	var b [16]byte
	copy(b[:], a.AsSlice())
	m.bytes(typ, b[:])
}

func (m *message) key(k *ipvs.Key) {
	m.uint16(svcFamily, uint16(k.Family))
	if k.FWMark != 0 {
		m.uint32(svcFWMark, k.FWMark)
		return
	}
	m.uint16(svcProtocol, uint16(k.Protocol))
	m.addr(svcAddr, k.Addr)
	m.port(svcPort, k.Port)
}

// service writes what can be edited. An engine that is left out is removed.
func (m *message) service(s *ipvs.Service) {
	m.string(svcScheduler, s.Scheduler)
	if s.Engine != "" {
		m.string(svcEngine, s.Engine)
	}
	m.attr(svcFlags, 8)
	m.b = native.AppendUint32(m.b, uint32(s.Flags&ipvs.SettableFlags))
	m.b = native.AppendUint32(m.b, ^uint32(0)) // the mask: all of them
	m.uint32(svcTimeout, uint32(s.Timeout/time.Second))
	m.attr(svcNetmask, 4)
	if s.Family == ipvs.IPv4 {
		m.b = network.AppendUint32(m.b, s.Netmask)
	} else {
		m.b = native.AppendUint32(m.b, s.Netmask)
	}
}

func (m *message) destination(d *ipvs.Destination) {
	m.uint32(destMethod, uint32(d.Method))
	m.uint32(destWeight, uint32(d.Weight))
	m.uint32(destUpper, d.Upper)
	m.uint32(destLower, d.Lower)
	if d.Method == ipvs.Tunnel {
		m.uint8(destTunnelType, uint8(d.Encap.Type))
		m.port(destTunnelPort, d.Encap.Port)
		m.uint16(destTunnelFlags, uint16(d.Encap.Flags))
	}
}

func (m *message) daemon(d *ipvs.SyncDaemon) {
	at := m.nest(attrDaemon)
	m.uint32(daemonState, uint32(d.Role))
	m.string(daemonInterface, d.Interface)
	m.uint32(daemonID, uint32(d.ID))
	if d.MaxLen != 0 {
		m.uint16(daemonMaxLen, d.MaxLen)
	}
	switch {
	case d.Group.Is4():
		m.bytes(daemonGroup, d.Group.AsSlice())
	case d.Group.Is6():
		m.bytes(daemonGroup6, d.Group.AsSlice())
	}
	if d.Port != 0 {
		m.uint16(daemonPort, d.Port)
	}
	if d.TTL != 0 {
		m.uint8(daemonTTL, d.TTL)
	}
	m.unnest(at)
}

// names saves allocating the same few scheduler names for every service.
type names map[string]string

func (n names) get(b []byte) string {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	s, ok := n[string(b)]
	if !ok {
		s = string(b)
		n[s] = s
	}
	return s
}

// nested returns the value of the first attribute of a type, or nil.
func nested(b []byte, typ uint16) []byte {
	for t, v := range attributes(b) {
		if t == typ {
			return v
		}
	}
	return nil
}

func decodeService(body []byte, n names) (ipvs.EntryStatus, error) {
	var s ipvs.EntryStatus
	var addr, netmask, stats, stats64 []byte
	for typ, v := range attributes(nested(body, attrService)) {
		switch typ {
		case svcFamily:
			s.Family = ipvs.Family(getUint16(v))
		case svcProtocol:
			s.Protocol = ipvs.Protocol(getUint16(v))
		case svcAddr:
			addr = v
		case svcPort:
			s.Port = getPort(v)
		case svcFWMark:
			s.FWMark = getUint32(v)
		case svcScheduler:
			s.Scheduler = n.get(v)
		case svcEngine:
			s.Engine = n.get(v)
		case svcFlags:
			s.Flags = ipvs.Flags(getUint32(v)) & ipvs.SettableFlags
		case svcTimeout:
			s.Timeout = time.Duration(getUint32(v)) * time.Second
		case svcNetmask:
			netmask = v
		case svcStats:
			stats = v
		case svcStats64:
			stats64 = v
		}
	}
	if s.FWMark != 0 {
		s.Key = ipvs.MarkKey(s.Family, s.FWMark)
	} else {
		a, ok := decodeAddr(s.Family, addr)
		if !ok {
			return s, errGarbled
		}
		s.Addr = a
	}
	s.Netmask = getUint32(netmask)
	if s.Family == ipvs.IPv4 && len(netmask) >= 4 {
		s.Netmask = network.Uint32(netmask)
	}
	s.Stats = decodeStats(stats, stats64)
	return s, nil
}

// decodeDestination takes the family of its service for kernels before 3.18,
// which do not know that it may be another.
func decodeDestination(body []byte, family ipvs.Family) (ipvs.DestinationStatus, error) {
	var d ipvs.DestinationStatus
	var addr, stats, stats64 []byte
	for typ, v := range attributes(nested(body, attrDest)) {
		switch typ {
		case destAddr:
			addr = v
		case destPort:
			d.Port = getPort(v)
		case destMethod:
			d.Method = ipvs.Method(getUint32(v) & methodMask)
		case destWeight:
			d.Weight = int32(getUint32(v))
		case destUpper:
			d.Upper = getUint32(v)
		case destLower:
			d.Lower = getUint32(v)
		case destActive:
			d.Active = getUint32(v)
		case destInactive:
			d.Inactive = getUint32(v)
		case destPersistent:
			d.Persistent = getUint32(v)
		case destStats:
			stats = v
		case destFamily:
			family = ipvs.Family(getUint16(v))
		case destStats64:
			stats64 = v
		case destTunnelType:
			d.Encap.Type = ipvs.TunnelType(getUint8(v))
		case destTunnelPort:
			d.Encap.Port = getPort(v)
		case destTunnelFlags:
			d.Encap.Flags = ipvs.TunnelFlags(getUint16(v))
		}
	}
	a, ok := decodeAddr(family, addr)
	if !ok {
		return d, errGarbled
	}
	d.Addr = a
	d.Stats = decodeStats(stats, stats64)
	return d, nil
}

func decodeAddr(f ipvs.Family, b []byte) (netip.Addr, bool) {
	switch {
	case f == ipvs.IPv4 && len(b) >= 4:
		return netip.AddrFrom4([4]byte(b)), true
	case f == ipvs.IPv6 && len(b) >= 16:
		return netip.AddrFrom16([16]byte(b)), true
	}
	return netip.Addr{}, false
}

// decodeStats prefers the 64-bit counters, which kernels since 4.1 have.
func decodeStats(narrow, wide []byte) ipvs.Stats {
	if wide == nil {
		wide = narrow
	}
	var s ipvs.Stats
	for typ, v := range attributes(wide) {
		n := getCounter(v)
		switch typ {
		case statsConnections:
			s.Connections = n
		case statsPacketsIn:
			s.PacketsIn = n
		case statsPacketsOut:
			s.PacketsOut = n
		case statsBytesIn:
			s.BytesIn = n
		case statsBytesOut:
			s.BytesOut = n
		case statsConnectionRate:
			s.ConnectionRate = n
		case statsPacketRateIn:
			s.PacketRateIn = n
		case statsPacketRateOut:
			s.PacketRateOut = n
		case statsByteRateIn:
			s.ByteRateIn = n
		case statsByteRateOut:
			s.ByteRateOut = n
		}
	}
	return s
}

func decodeDaemon(body []byte) ipvs.SyncDaemon {
	var d ipvs.SyncDaemon
	for typ, v := range attributes(nested(body, attrDaemon)) {
		switch typ {
		case daemonState:
			d.Role = ipvs.SyncRole(getUint32(v))
		case daemonInterface:
			d.Interface = cString(v)
		case daemonID:
			d.ID = uint8(getUint32(v))
		case daemonMaxLen:
			d.MaxLen = getUint16(v)
		case daemonGroup:
			d.Group, _ = decodeAddr(ipvs.IPv4, v)
		case daemonGroup6:
			d.Group, _ = decodeAddr(ipvs.IPv6, v)
		case daemonPort:
			d.Port = getUint16(v)
		case daemonTTL:
			d.TTL = getUint8(v)
		}
	}
	return d
}
