package config

import (
	"net/netip"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// VirtualServer is a virtual_server.
type VirtualServer struct {
	At diag.Span

	// Exactly one of these names the service.
	Addr   netip.AddrPort // port 0: all ports
	FwMark uint32
	Group  string

	IPv6     bool // family of the service
	Protocol Protocol

	Scheduler     string
	SchedFlags    uint32 // IP_VS_SVC_F_SCHED1.. (0x8, 0x10, 0x20)
	Method        Method
	OnePacket     bool
	Hashed        bool
	Persistence   time.Duration // 0 is off
	Granularity   int           // prefix length; 32 or 128 by default
	Netmask       uint32        // the same for IPv4, as given: it may have holes, or be 0
	Engine        string
	Timing        Timing // defaults for its checkers
	Inhibit       bool
	HASuspend     bool
	SMTPAlert     Tri
	VirtualHost   string
	SNMPName      string
	Alpha, Omega  bool
	Quorum        uint32
	Hysteresis    uint32
	QuorumUp      *Command
	QuorumDown    *Command
	DefaultWeight int32

	Sorry        *SorryServer
	SorryInhibit bool

	RealServers []*RealServer

	// Ours.
	SlowStart   time.Duration
	MinUp       int // percent of healthy servers below which OnPanic applies; 0 off
	OnPanic     PanicAction
	ExpireConns Tri // flush connections of a server that failed hard
	SNAT        netip.Addr

	groupIndex int // how many services before it use the same group
}

// PanicAction is what happens below min_up.
type PanicAction uint8

// The actions of min_up.
const (
	PanicSorry PanicAction = iota
	PanicKeepLast
	PanicAll
)

// Protocol is an IP protocol number.
type Protocol uint8

// The transport protocols of a virtual server.
const (
	TCP  Protocol = 6
	UDP  Protocol = 17
	SCTP Protocol = 132
)

// Method is how packets reach a real server.
type Method struct {
	Kind      Kind
	Tunnel    Tunnel
	TunPort   uint16
	Csum      TunnelCsum
	CsumGiven bool
	FullNAT   bool // ours: NAT with source NAT
}

// Kind is a forwarding method.
type Kind uint8

// The forwarding methods.
const (
	NAT Kind = iota
	DR
	TUN
)

// Tunnel is an encapsulation of TUN.
type Tunnel uint8

// The tunnel types, numbered as the kernel does.
const (
	IPIP Tunnel = iota
	GUE
	GRE
)

// TunnelCsum is the checksum handling of a tunnel.
type TunnelCsum uint8

// The checksum options, numbered as the kernel's flags.
const (
	NoCsum TunnelCsum = iota
	Csum
	RemCsum
)

// SorryServer takes over while quorum is lost.
type SorryServer struct {
	Addr   netip.AddrPort
	Method Method
	At     diag.Span
}

// RealServer is a real_server. There are tens of thousands of them, so what is small
// stands together.
type RealServer struct {
	At          diag.Span
	Addr        netip.AddrPort // port in effect
	Weight      int32
	UThreshold  uint32
	LThreshold  uint32
	Method      Method
	Inhibit     bool
	Alpha       bool
	SMTPAlert   Tri
	AnyCheck    bool    // ours: any one of its checks is enough
	Rise, Fall  int32   // ours; 0 not given
	Timing      *Timing // the virtual server's where it has none of its own, never nil
	NotifyUp    *Command
	NotifyDown  *Command
	VirtualHost string
	SNMPName    string
	Checkers    []*Checker
}

// Timing is the schedule of a checker, or a default for checkers; nil fields
// are not given at this level.
type Timing struct {
	DelayLoop        *time.Duration
	Warmup           *time.Duration
	Retry            *int
	DelayBeforeRetry *time.Duration
	ConnectTimeout   *time.Duration
}

// CheckKind is the kind of a checker.
type CheckKind uint8

// The kinds of checkers.
const (
	CheckTCP CheckKind = iota + 1
	CheckHTTP
	CheckSSL
	CheckSMTP
	CheckDNS
	CheckMisc
	CheckPing
	CheckUDP
	CheckBFD
	CheckFile

	// Ours.
	CheckSendExpect
	CheckIMAP
	CheckPOP3
	CheckNNTP
	CheckFTP
	CheckRedis
	CheckMySQL
	CheckPgSQL
	CheckLDAP
	CheckSIP
	CheckRadius
	CheckGRPC
	CheckWebSocket
	CheckRequest // HTTP_CHECK
)

// Checker is one check of a real server. Effective timing (checker, real
// server, virtual server, built in) is already resolved.
type Checker struct {
	Kind CheckKind
	At   diag.Span

	Target netip.AddrPort // connect_ip, connect_port, completed
	ViaVIP bool           // ours: Target is the virtual address, reached by the way to the server
	Bind   netip.AddrPort // bindto, bind_port
	BindIf string
	Mark   uint32

	DelayLoop        time.Duration
	Warmup           time.Duration
	Retry            int
	DelayBeforeRetry time.Duration
	ConnectTimeout   time.Duration
	Alpha            bool
	LogAllFailures   bool
	Critical         bool // ours: must be up even where any other check is enough

	HTTP *HTTPCheck
	SMTP *SMTPCheck
	DNS  *DNSCheck
	Misc *MiscCheck
	UDP  *UDPCheck
	BFD  string // bfd_instance
	File *FileCheck
	App  *AppCheck // for our own kinds
	TLS  *CheckTLS // ours; nil without
}

// HTTPCheck is HTTP_GET or SSL_GET.
type HTTPCheck struct {
	VirtualHost  string // of the check itself; the real or the virtual server may have one, too
	Protocol     HTTPProtocol
	SNI          bool
	FastRecovery bool
	TLSCompliant bool
	URLs         []URL
}

// HTTPProtocol is http_protocol.
type HTTPProtocol uint8

// The protocols of HTTP_GET.
const (
	HTTP10  HTTPProtocol = iota
	HTTP10C              // 1.0 with Connection: close
	HTTP11
)

// URL is one request of an HTTP check.
type URL struct {
	Path         string
	Digest       [16]byte
	DigestGiven  bool
	Status       []StatusRange // empty: 200-299
	VirtualHost  string
	Regex        string
	RegexNoMatch bool
	RegexOptions []string
	RegexMin     int
	RegexMax     int // 0 no limit
	RegexStack   [2]int
	TLSCompliant Tri
	At           diag.Span
}

// StatusRange is an inclusive range of HTTP status codes.
type StatusRange struct{ Low, High int }

// SMTPCheck is SMTP_CHECK.
type SMTPCheck struct{ Helo string }

// DNSCheck is DNS_CHECK.
type DNSCheck struct {
	Type uint16
	Name string
}

// MiscCheck is MISC_CHECK.
type MiscCheck struct {
	Command *Command
	Timeout time.Duration // 0: delay_loop
	Dynamic bool
}

// DefaultMaxReply is the longest reply that UDP_CHECK accepts when it compares
// replies, unless max_reply_length says otherwise.
const DefaultMaxReply = 255

// UDPCheck is UDP_CHECK.
type UDPCheck struct {
	Payload      []byte
	PayloadGiven bool
	RequireReply bool
	Reply        []byte // pattern
	ReplyMask    []byte // 0xf nibbles compare, 0 nibbles match anything
	MinReply     int
	MaxReply     int
}

// FileCheck is FILE_CHECK.
type FileCheck struct {
	File    string // track_file name
	Weight  int
	Reverse bool
}

// SSL is the client certificate of SSL_GET.
type SSL struct{ Password, CA, Certificate, Key string }

// ServerGroup is a virtual_server_group.
type ServerGroup struct {
	Name   string
	At     diag.Span
	Ranges []GroupRange
	Marks  []GroupMark
}

// GroupRange is consecutive addresses that share a port.
type GroupRange struct {
	First netip.Addr
	Count uint32
	Port  uint16
	At    diag.Span
}

// GroupMark is a fwmark entry.
type GroupMark struct {
	Mark uint32
	IPv6 bool
	At   diag.Span
}
