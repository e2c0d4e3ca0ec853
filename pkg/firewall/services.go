package firewall

import (
	"errors"
	"fmt"
	"reflect"

	"golang.org/x/sys/unix"
)

// Services keeps the rules of the checkers role: in nftables, or with the older
// tools where the kernel's nftables lack what is needed. Its methods belong to
// one goroutine.
type Services struct {
	options Options
	nft     *NFTables
	tools   []string // of the two families, if the older tools are used
	applied map[string]ServicePolicy
}

// legacyTools are the older tools of the two families, by the names that surely
// are not a face of nftables.
var legacyTools = []string{"iptables-legacy", "ip6tables-legacy"}

// NewServices returns what keeps rules. Nothing is opened before there are any.
func NewServices(o Options) *Services { return &Services{options: o} }

// Apply makes our rules those that the policy wants, each family in one
// transaction. Rules that are as wanted already are not touched.
func (s *Services) Apply(p ServicePolicy) error {
	if s.tools != nil {
		return s.applyTools(p)
	}
	if s.nft == nil {
		if p.empty() {
			return nil
		}
		nft, err := OpenNFTables(s.options)
		if err != nil {
			return err
		}
		s.nft = nft
	}
	err := s.nft.ApplyServices(p)
	if !lacking(err) {
		return err
	}
	s.tools, s.applied = legacyTools, make(map[string]ServicePolicy)
	if older := s.applyTools(p); older != nil {
		return errors.Join(err, older)
	}
	return nil
}

// lacking tells a kernel without the parts of nftables that are needed.
func lacking(err error) bool {
	return errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.ENOENT) ||
		errors.Is(err, unix.EPROTONOSUPPORT)
}

// Whole is [NFTables.Whole]. Of rules of the older tools it knows nothing.
func (s *Services) Whole() (bool, error) {
	if s.nft == nil {
		return true, nil
	}
	return s.nft.Whole()
}

// Close removes our rules.
func (s *Services) Close() error {
	if s.tools != nil {
		return errors.Join(s.applyTools(ServicePolicy{}), s.Release())
	}
	if s.nft == nil {
		return nil
	}
	return errors.Join(s.nft.ApplyServices(ServicePolicy{}), s.Release())
}

// Release leaves the rules in place.
func (s *Services) Release() error {
	if s.nft == nil {
		return nil
	}
	return s.nft.Release()
}

func (s *Services) applyTools(p ServicePolicy) error {
	var errs []error
	for i, tool := range s.tools {
		part := p.of(i == 1)
		if last, known := s.applied[tool]; reflect.DeepEqual(last, part) || !known && part.empty() {
			continue
		}
		delete(s.applied, tool)
		if err := errors.Join(replace(tool, "mangle", markRules(part.Marks)), replace(tool, "nat", natRules(part.SNAT))); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", tool, err))
			continue
		}
		s.applied[tool] = part
	}
	return errors.Join(errs...)
}

// protocolNames are the names by which the tools know what has ports.
var protocolNames = map[uint8]string{unix.IPPROTO_TCP: "tcp", unix.IPPROTO_UDP: "udp", unix.IPPROTO_SCTP: "sctp"}

func markRules(marks []Mark) []string {
	var rules []string
	for _, chain := range []string{"PREROUTING", "OUTPUT"} {
		for _, m := range marks {
			match := fmt.Sprintf("-d %s -p %s", m.Addr, protocolNames[m.Protocol])
			if m.Port != 0 {
				match += fmt.Sprintf(" --dport %d", m.Port)
			}
			rules = append(rules, fmt.Sprintf("%s %s -m comment --comment %s -j MARK --set-mark %d", chain, match, iptablesMark, m.FWMark))
		}
	}
	return rules
}

// natRules match what the client asked for: IPVS has put the real server in its
// place when the packet leaves.
func natRules(list []SNAT) []string {
	var rules []string
	for _, s := range list {
		match := fmt.Sprintf("-p %s -m conntrack --ctorigdst %s", protocolNames[s.Protocol], s.Addr)
		if s.Port != 0 {
			match += fmt.Sprintf(" --ctorigdstport %d", s.Port)
		}
		rules = append(rules, fmt.Sprintf("POSTROUTING %s -m comment --comment %s -j SNAT --to-source %s", match, iptablesMark, s.Source))
	}
	return rules
}
