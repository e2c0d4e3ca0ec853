package config

import (
	"net/netip"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// state is what the decoder is in the middle of.
type state struct {
	g       *Global
	arg     arg                 // of the line being read
	given   map[given]diag.Span // keywords that may be given once
	account account

	scriptUser                   bool
	garpDone                     bool
	scriptUserBad                bool
	namespaceAt, ipvsNamespaceAt syntax.Word
	blockAt                      syntax.Word // the keyword of a garp_group or track_ping
	listAt                       syntax.Word // the keyword of a list of words
	listed                       int         // how many it has
	syncDaemonAt                 syntax.Word
	iptablesAt                   syntax.Word

	inst         *instanceDraft
	instances    []*instanceDraft
	group        *groupDraft
	groups       []*groupDraft
	trackScript  *scriptDraft
	scriptsRead  []*scriptDraft
	keptGroups   []*groupDraft
	keptScripts  []*scriptDraft
	process      *TrackProcess
	file         *TrackFile
	trackGroup   *TrackGroup
	trackMembers bool // it has a block group
	garp         *GARPGroup
	bfd          *bfdDraft
	vs           *virtualDraft
	virtuals     []*virtualDraft
	rs           *realDraft
	chk          *checkerDraft
	url          *URL
	regexAt      syntax.Word
	host         *checkerDraft
	serverGroup  *ServerGroup
	cells        cells
	seen         map[netip.AddrPort]*realDraft // of the service being completed
	late         []diag.Problem                // of virtual servers that are complete already, for when the others are

	completed      bool            // so are the instances
	missingLink    bool            // an interface does not exist
	rules4, rules6 uint32          // that had no preference
	linkNames      map[string]bool // interfaces we shall make
	unguarded      scripts
}

// The drafts hold, beside the typed value, what only the completion needs:
// whether something was given, and where.

type instanceDraft struct {
	*Instance
	useVMACAddr, xmitBase bool
	unicastGiven          bool // a keyword that makes sense with peers only
	strictGiven           bool
	familyFixed           bool
	srcAt                 syntax.Word
	srcGiven              bool
	ttlAt                 syntax.Word
	nopreemptAt           syntax.Word
	delayAt               syntax.Word
	expiredAt             syntax.Word
	ownerIgnoreAt         syntax.Word
	smtpAlert             Tri
	notifyPrio            Tri
	hmacKeys              []syntax.Word

	linkbeat                bool
	linked                  bool // its addresses are known
	group                   *groupDraft
	done                    bool // completed; a dump shows what was given otherwise
	wantMaster              bool // state MASTER, whatever became of it
	native                  bool // native_ipv6
	mcastGiven              bool
	lowerGiven, higherGiven bool
}

type groupDraft struct {
	*SyncGroup
	names     []syntax.Word
	seen      bool // a group block
	smtpAlert Tri
}

type scriptDraft struct {
	*TrackScript
	text   string // of the command
	textAt syntax.Word
	user   []syntax.Word
	used   bool
}

type bfdDraft struct {
	*BFDInstance
	rolesGiven bool
}

type virtualDraft struct {
	*VirtualServer
	byMark           bool
	protocolGiven    bool
	methodGiven      bool
	sorryMethodGiven bool
	familyGiven      bool
	granularityGiven bool
	quorumAt         syntax.Word
	hysteresisAt     syntax.Word
	via              bool // probe_via_vip
	viaAt            syntax.Word
	reals            []*realDraft
}

type realDraft struct {
	*RealServer
	weightGiven, methodGiven bool
	virtualHost              string // as given
	inhibit, alpha           Tri
	checkers                 []*checkerDraft
}

// timing is that of the real server itself.
func (r *realDraft) timing() *Timing {
	if r.Timing == nil {
		r.Timing = new(Timing)
	}
	return r.Timing
}

type checkerDraft struct {
	*Checker
	given         Timing
	connectIP     netip.Addr
	connectIPAt   syntax.Word
	connectPort   uint16
	bindIP        netip.Addr
	bindPort      uint16
	bindAt        syntax.Word
	alpha, logAll Tri
	via           Tri
	viaAt         syntax.Word
	text          string // of the command
	textAt        syntax.Word
	user          []syntax.Word
	hosts         []*checkerDraft // of an old SMTP_CHECK
	weightGiven   bool
}
