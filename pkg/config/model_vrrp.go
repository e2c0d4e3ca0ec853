package config

import (
	"net/netip"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// Instance is a vrrp_instance: one virtual router.
type Instance struct {
	Name                    string
	At                      diag.Span // the name
	Interface               string    // empty for unicast without interface
	InterfaceAt, PriorityAt diag.Span
	VRID                    uint8
	IPv6                    bool // family of the adverts
	Version                 int  // 2 or 3

	WantMaster   bool // state MASTER
	Priority     uint8
	AdvertInt    time.Duration
	Preempt      bool
	PreemptDelay time.Duration
	DownAdverts  int // down_timer_adverts
	Accept       bool
	AcceptGiven  bool
	Strict       bool
	TimerExpired int // timer_expired_backup: 0 is off, else a priority

	Auth Auth
	HMAC *HMAC // auth_hmac

	VIPs         []Address
	ExcludedVIPs []Address
	Routes       []Route
	Rules        []Rule
	NoVIPs       bool // no_virtual_ipaddress

	VMAC   *VMAC
	IPVLAN *IPVLAN

	UnicastPeers       []UnicastPeer
	Unicast            bool // adverts go to peers (or would, with unicast_fault_no_peer)
	UnicastFaultNoPeer bool
	UnicastTTL         uint8
	UnicastTTLGiven    bool // else the hop limit of unicast IPv6 is the kernel's
	CheckUnicastSrc    bool
	OldUnicastChecksum ChecksumMode
	V3ChecksumAsV2     bool
	SrcIP              netip.Addr // unicast_src_ip or mcast_src_ip; zero: from the interface
	McastDst           netip.Addr // group in effect
	TrackSrcIP         bool
	VRF                string

	DontTrackPrimary bool
	TrackInterfaces  []Track
	TrackScripts     []Track
	TrackFiles       []Track
	TrackProcesses   []Track
	TrackBFD         []Track

	PromoteSecondaries    bool
	SkipCheckAdvAddr      bool
	LowerPrioNoAdvert     bool
	HigherPrioSendAdvert  bool
	OwnerIgnoreAdverts    bool
	GARP                  GARPTimers
	GARPExtraIf           time.Duration
	GARPExtraIfAll        bool
	RxBufSize             int
	Debug                 int
	SMTPAlert             bool
	NotifyPriorityChanges bool
	Notify                NotifyScripts
	NotifyDeleted         bool // report deletion as DELETED, not FAULT

	// Ours.
	OnVIPRemoved     OnVIPRemoved
	PreemptAfterSync bool
	TrackPing        *TrackPing
}

// OnVIPRemoved is what happens when somebody else takes an address away.
type OnVIPRemoved uint8

// The policies of on_vip_removed.
const (
	RestoreVIP  OnVIPRemoved = iota // put it back, rate-limited
	FailoverVIP                     // as keepalived: hand over, come back
)

// TrackPing is track_ping, a witness.
type TrackPing struct {
	Targets  []netip.Addr
	All      bool // all must answer, else any
	Interval time.Duration
	Timeout  time.Duration
	Rise     int
	Fall     int
	Weight   int
}

// Auth is the VRRPv2 authentication.
type Auth struct {
	Type AuthType
	Pass string // at most 8 bytes; never logged
}

// AuthType is an authentication type of VRRPv2.
type AuthType uint8

// The authentication types, with their numbers on the wire.
const (
	AuthNone AuthType = 0
	AuthPass AuthType = 1
	AuthAH   AuthType = 2
)

// HMAC is auth_hmac, the authentication trailer.
type HMAC struct {
	Keys       []HMACKey
	Active     uint8
	TimeWindow time.Duration
	Monotonic  bool // anti_replay monotonic
	Mode       HMACMode
}

// HMACKey is one key; Secret is never logged. It may be kept elsewhere, from
// where the role reads it: in a file, a credential of the service manager, or
// the environment.
type HMACKey struct {
	ID         uint8
	Secret     []byte
	File       string
	Credential string // name of a file in $CREDENTIALS_DIRECTORY
	Env        string // name of a variable
}

// HMACMode is what is signed and required.
type HMACMode uint8

// The modes of auth_hmac.
const (
	HMACEnforce HMACMode = iota
	HMACPermissive
	HMACReceiveOnly
)

// ChecksumMode is old_unicast_checksum.
type ChecksumMode uint8

// The forms of old_unicast_checksum.
const (
	ChecksumAuto ChecksumMode = iota
	ChecksumOld
	ChecksumNever
)

// VMAC is use_vmac.
type VMAC struct {
	Name     string // empty for automatic
	MAC      [6]byte
	MACGiven bool
	Group    string // interface group, empty for none
	XmitBase bool

	macShort bool // five bytes were given; the VRID is the sixth
}

// IPVLAN is use_ipvlan.
type IPVLAN struct {
	Name   string
	Source netip.Prefix // source of the adverts, which is on the ipvlan interface in every state
	Flags  string       // bridge, private or vepa
	Group  string
}

// UnicastPeer is one line of unicast_peer; TTL limits are -1 when not given.
type UnicastPeer struct {
	Addr           netip.Addr
	MinTTL, MaxTTL int
	At             diag.Span
}

// Track is one line of a track_… block.
type Track struct {
	Name    string
	Weight  int // 0: failure means FAULT
	Reverse bool
	At      diag.Span
}

// NotifyScripts are the programs run at changes of state; nil means none.
type NotifyScripts struct {
	Master, Backup, Fault, Stop, Deleted, Any, MasterRxLowerPrio *Command
}

// SyncGroup is a vrrp_sync_group.
type SyncGroup struct {
	Name                  string
	At                    diag.Span
	Members               []string // existing instances, in the order given
	TrackInterfaces       []Track
	TrackScripts          []Track
	TrackFiles            []Track
	TrackProcesses        []Track
	TrackBFD              []Track
	Notify                NotifyScripts
	SMTPAlert             bool
	TrackingWeight        bool // sync_group_tracking_weight
	NotifyPriorityChanges Tri
}

// TrackScript is a vrrp_script.
type TrackScript struct {
	Name       string
	At         diag.Span
	Command    *Command // nil: unusable, the script is off
	Interval   time.Duration
	Timeout    time.Duration // 0: as Interval
	Weight     int
	Reverse    bool
	Rise, Fall int
	InitFail   bool
}

// TrackProcess is a vrrp_track_process.
type TrackProcess struct {
	Name           string
	At             diag.Span
	Path           string
	Params         []string
	ParamMatch     ParamMatch
	Weight         int
	Reverse        bool
	Quorum         int
	QuorumMax      int // -1: no limit
	TerminateDelay time.Duration
	ForkDelay      time.Duration
	FullCommand    bool
}

// ParamMatch is how a process's parameters are compared.
type ParamMatch uint8

// The forms of param_match.
const (
	ParamNone ParamMatch = iota
	ParamExact
	ParamPartial
	ParamInitial
)

// TrackGroup is a track_group.
type TrackGroup struct {
	Name    string
	Members []string
	At      diag.Span
}

// GARPGroup paces announcements over a set of interfaces.
type GARPGroup struct {
	GARPInterval time.Duration
	GNAInterval  time.Duration
	Interfaces   []string
}

// Linkbeat is an interface whose link state is polled.
type Linkbeat struct {
	Interface string
	Method    string // MII, ETHTOOL, IOCTL or empty
}

// InterfaceDelay holds back link changes of an interface.
type InterfaceDelay struct {
	Interface string
	Down, Up  time.Duration
}

// BFDInstance is a bfd_instance.
type BFDInstance struct {
	Name       string
	At         diag.Span
	Neighbor   netip.Addr
	Source     netip.Addr
	MinRx      time.Duration
	MinTx      time.Duration
	IdleTx     time.Duration
	Multiplier int
	Passive    bool
	TTL        int
	MaxHops    int
	Multihop   bool
	Weight     int
	Reverse    bool
	VRRP       bool // events go to the vrrp role
	Checkers   bool // events go to the checkers role
}
