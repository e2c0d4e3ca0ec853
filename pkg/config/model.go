// Package config turns a configuration tree into typed values: one declaration
// per keyword, ranges and defaults applied, cross checks made.
//
// The values are plain data. Once [Load] has returned them, defaults and
// inheritance are resolved: a field holds the value in effect, and a pointer or
// a [Tri] is used only where "not given" itself means something.
package config

import (
	"net/netip"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// Config is one whole configuration, as the operator's files state it.
type Config struct {
	Process Process
	Global  Global

	// The vrrp role's part.
	Instances       []*Instance
	SyncGroups      []*SyncGroup
	Scripts         []*TrackScript
	Processes       []*TrackProcess
	TrackGroups     []*TrackGroup
	GARPGroups      []*GARPGroup
	StaticAddresses []Address
	StaticRoutes    []Route
	StaticRules     []Rule
	Linkbeat        []Linkbeat
	LinkbeatPolling bool // poll every interface in use
	InterfaceDelays []InterfaceDelay

	// Used by the vrrp and the checkers role.
	TrackFiles []*TrackFile

	// The checkers role's part.
	VirtualServers []*VirtualServer // not all of them if the reading was brief
	ServerGroups   []*ServerGroup
	SSL            *SSL // nil without an SSL block

	// The bfd role's part.
	BFD []*BFDInstance

	scriptAccount bool // the default account of scripts exists
	garpDone      bool // defaults of gratuitous ARP are filled in
	forgotten     int  // real servers that a brief reading did not keep
}

// HasVRRP, HasCheckers and HasBFD say which roles have something to do.
func (c *Config) HasVRRP() bool {
	return len(c.Instances) > 0 || len(c.StaticAddresses) > 0 || len(c.StaticRoutes) > 0 || len(c.StaticRules) > 0
}
func (c *Config) HasCheckers() bool { return len(c.VirtualServers) > 0 || c.forgotten > 0 }
func (c *Config) HasBFD() bool      { return len(c.BFD) > 0 }

// CountServers is how many real servers there are, whether they were kept or not.
func (c *Config) CountServers() int {
	n := c.forgotten
	for _, vs := range c.VirtualServers {
		n += len(vs.RealServers)
	}
	return n
}

// Tri is a boolean that may be left unset, so that another level decides.
type Tri uint8

// The values of a Tri.
const (
	Unset Tri = iota
	False
	True
)

// Or is the value, or def when unset.
func (t Tri) Or(def bool) bool {
	if t == Unset {
		return def
	}
	return t == True
}

// Command is a user's program with its arguments, ready to be executed without
// a shell, and the account it runs under.
type Command struct {
	Argv     []string
	UID, GID uint32
	At       diag.Span

	redirect []string // the words as typed, if they begin with </ and the shell runs them
}

// FIFO is a named pipe that receives state changes.
type FIFO struct {
	Path     string
	UID, GID uint32
	Script   *Command // reader started by us; the path is appended
}

// Process holds the settings at the top level of the file.
type Process struct {
	NetNamespace       string
	NetNamespaceIPVS   string
	IPVSNamespaceSet   bool // net_namespace_ipvs given, perhaps without a name
	NamespaceIPSets    bool
	UsePidDir          bool
	Instance           string
	ChildWaitTime      time.Duration
	ChildWaitTimeGiven bool
}

// RoleProcess is how the process of one role is scheduled.
type RoleProcess struct {
	Name         string // kernel process name, empty for the default
	Nice         int
	NoSwap       bool
	RTPriority   int           // 0 is off, else 1..99
	RTTimeLimit  time.Duration // RLIMIT_RTTIME
	CPUs         []int
	NetlinkCmd   RcvBuf
	NetlinkWatch RcvBuf
}

// RcvBuf is a socket receive buffer size; Force ignores the system limit.
type RcvBuf struct {
	Size  int
	Force bool
}

// Global is global_defs.
type Global struct {
	RouterID            string
	ProcessNames        bool
	ProcessName         string
	VRRP, Checkers, Bfd RoleProcess
	UseSymlinkPaths     bool

	Mail               Mail
	SMTPAlert          Tri
	SMTPAlertVRRP      Tri
	SMTPAlertChecker   Tri
	NoEmailFaults      bool
	NoCheckerEmails    bool
	StartupScript      *Command
	StartupTimeout     time.Duration
	ShutdownScript     *Command
	ShutdownTimeout    time.Duration
	MaxAutoPriority    int
	MinAutoDelay       time.Duration
	CheckerLogFailures bool

	DynamicInterfaces     bool
	DynamicAllowIfChanges bool
	DefaultInterface      string
	DisableLocalIGMP      bool
	V3ChecksumAsV2        bool

	LVS LVSGlobal

	McastGroup4, McastGroup6 netip.Addr
	GARP                     GARPTimers
	DownTimerAdverts         int
	GARPInterval             time.Duration
	GNAInterval              time.Duration
	MinGARP                  bool
	GARPExtraIf              time.Duration
	GARPExtraIfAll           bool
	LowerPrioNoAdvert        bool
	HigherPrioSendAdvert     bool
	Version                  int
	Strict                   bool
	CheckUnicastSrc          bool
	SkipCheckAdvAddr         bool
	OwnerIgnoreAdverts       bool
	NotifyPriorityChanges    bool
	StartupDelay             time.Duration
	DelayAfterBoot           time.Duration
	LogUnknownVRIDs          bool
	VMACPrefix               string
	VMACAddrPrefix           string
	RxBufsPolicy             RxBufsPolicy
	RxBufsSize               int
	RxBufsMultiplier         int
	ProcessMonitor           RcvBuf

	Firewall FirewallGlobal

	NotifyFIFO, VRRPFIFO, LVSFIFO *FIFO
	FIFOStatesOnReload            bool

	SNMP SNMP
	DBus DBus

	ScriptUID, ScriptGID uint32
	ScriptSecurity       bool
	RSInitNotifies       bool
	Umask                uint32
	RandomSeed           *uint32

	ReloadCheckConfig  bool
	ReloadCheckLog     string
	ReloadTimeFile     string
	ReloadRepeat       bool
	ReloadFile         string
	ConfigSaveDir      string
	TmpConfigDirectory string
	DataUseInstance    bool
	JSONVersion        int
	IPRouteUsrDir      string
	IPRouteEtcDir      string
	StateDumpFile      string
	StatsDumpFile      string
	JSONDumpFile       string
}

// RxBufsPolicy is how receive buffers of VRRP sockets are sized.
type RxBufsPolicy uint8

// The policies of vrrp_rx_bufs_policy.
const (
	RxBufsDefault RxBufsPolicy = iota
	RxBufsMTU
	RxBufsAdvert
	RxBufsBytes
)

// Mail is the relay and the addresses of alert mails.
type Mail struct {
	To          []string
	From        string
	Server      string     // address or host name; empty sends none
	Addr        netip.Addr // the server's address when the file was read
	Port        uint16
	Helo        string
	DialTimeout time.Duration
}

// LVSGlobal is the IPVS part of global_defs.
type LVSGlobal struct {
	TimeoutTCP, TimeoutTCPFin, TimeoutUDP time.Duration // 0 leaves the kernel's
	Flush                                 bool
	FlushOnStop                           FlushOnStop
	SyncDaemon                            *SyncDaemon
	ReconcileInterval                     time.Duration // ours; 0 switches it off
	SharedChecks                          bool          // ours
}

// FlushOnStop is what lvs_flush_on_stop asks for.
type FlushOnStop uint8

// The forms of lvs_flush_on_stop.
const (
	FlushNothing  FlushOnStop = iota
	FlushAll                  // the whole table, in one go
	FlushServices             // own services, without touching servers first
)

// SyncDaemon is lvs_sync_daemon. Zero fields are the kernel's defaults.
type SyncDaemon struct {
	Interface string
	Instance  string // vrrp_instance it follows; empty runs both roles
	ID        int    // resolved: id, else VRID of Instance, else 0
	IDGiven   bool
	MaxLen    int
	Port      uint16
	TTL       uint8
	Group     netip.Addr
}

// GARPTimers are the repeats and delays of gratuitous ARP and unsolicited NA.
type GARPTimers struct {
	MasterDelay      time.Duration // until the second set; 0 is none
	MasterRepeat     int
	Refresh          time.Duration // 0 is never
	RefreshRepeat    int
	LowerPrioDelay   time.Duration
	LowerPrioRepeat  int
	LowerDelayGiven  bool // else as MasterDelay
	LowerRepeatGiven bool // else as MasterRepeat
}

// FirewallGlobal says how and where packet filter rules are kept.
type FirewallGlobal struct {
	IPTables          bool
	ChainIn, ChainOut string
	IPSets            bool
	IPSetsGiven       bool
	IPSetNames        [6]string // set4 set6 set_if6 set_igmp set_mld set_nd
	NFTables          bool
	NFTable           string
	NFPriority        int
	NFIfindex         bool
	NFCounters        bool
	NFIPVS            bool
	NFIPVSTable       string
	NFIPVSPriority    int
	NFIPVSStartFwmark uint32
}

// SNMP is which MIBs are served, and how.
type SNMP struct {
	Socket                       string
	Traps                        bool
	VRRP, RFCv2, RFCv3, Checkers bool
	VSInterval, RSInterval       time.Duration
}

// DBus is the D-Bus service.
type DBus struct {
	Enable          bool
	ServiceName     string
	NoInterfaceName string
}

// TrackFile is a track_file: a file whose content is a number.
type TrackFile struct {
	Name     string
	Path     string
	Weight   int
	Reverse  bool
	Init     *int // init_file
	Override bool // init_file … overwrite
	At       diag.Span

	bad bool // its file cannot be used
}
