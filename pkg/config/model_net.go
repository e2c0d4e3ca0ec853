package config

import (
	"net/netip"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// Address is one line of an address block, completed with its defaults.
type Address struct {
	Prefix       netip.Prefix // address with its own host bits
	Dev          string       // resolved: the instance's interface or default_interface
	DevGiven     bool
	Scope        int // RT_SCOPE_…
	Broadcast    netip.Addr
	Label        string
	Peer         netip.Prefix
	Home         bool
	DAD          bool // -nodad: do duplicate address detection
	MngTmpAddr   bool
	NoPrefix     bool // noprefixroute
	Autojoin     bool
	PreferredLft *uint32 // seconds; nil: by the default rule
	NoTrack      bool
	TrackGroup   string
	UseVMAC      bool   // on a VMAC of its own
	VMACName     string // the vmac's name
	Parent       string // the interface below a vmac of its own
	At           diag.Span
}

// Route is one line of a route block.
type Route struct {
	IPv6        bool
	Type        int          // RTN_…
	Dst         netip.Prefix // 0/0 for default
	From        netip.Prefix // IPv6 source prefix
	Via         netip.Addr
	Src         netip.Addr
	Dev         string
	Table       uint32
	TableGiven  bool
	VRF         string
	Scope       int // RT_SCOPE_…; -1: by type
	Metric      uint32
	MetricGiven bool
	Protocol    int
	TOS         int
	OnLink      bool
	Encap       *Encap
	Expires     uint32
	Metrics     RouteMetrics
	Realms      uint32
	Pref        int // RFC 4191; -1 none
	TTLProp     int // -1 none
	Mode        RouteMode
	NextHops    []NextHop
	NoTrack     bool
	TrackGroup  string
	At          diag.Span
}

// RouteMode is how a route joins equal ones.
type RouteMode uint8

// The modes of a route.
const (
	RoutePrepend RouteMode = iota
	RouteAppend
	RouteAdd
)

// RouteMetrics are the RTAX_… attributes; a nil field is not given.
type RouteMetrics struct {
	Lock                                                                uint32 // bit RTAX_…
	MTU, HopLimit, AdvMSS, RTT, RTTVar, RTOMin, Reordering, Window      *uint32
	Cwnd, SSThresh, InitCwnd, InitRwnd, Features, QuickAck, FastOpenNoC *uint32
	CongCtl                                                             string
}

// NextHop is one of several gateways of a route.
type NextHop struct {
	Via    netip.Addr
	Dev    string
	Weight int // 1..256
	OnLink bool
	Realms uint32
	Encap  *Encap
}

// Encap is a lightweight tunnel encapsulation as written: Kind and its words.
type Encap struct {
	Kind  string // ip, ip6, mpls, ila
	Words []string
}

// Rule is one line of a rule block.
type Rule struct {
	IPv6             bool
	Not              bool
	From, To         netip.Prefix // not valid: all
	ToGiven          bool
	FromGiven        bool
	Table            uint32
	Preference       uint32
	PreferenceGiven  bool
	TOS              int
	FwMark, FwMask   uint32
	FwMarkGiven      bool
	FwMaskGiven      bool
	Realms           uint32
	IIF, OIF         string
	SuppressPrefix   int // -1 none
	SuppressGroup    int // -1 none
	TunnelID         uint64
	UIDLow, UIDHigh  uint32
	UIDGiven         bool
	L3MDev           bool
	Protocol         int
	IPProto          int
	SPortLow, SPortH uint16
	DPortLow, DPortH uint16
	Action           int // FR_ACT_…
	Goto             uint32
	NoTrack          bool
	TrackGroup       string
	At               diag.Span
}

// Lifetime is a preferred lifetime; forever is the largest value.
const Lifetime = uint32(1<<32 - 1)
