package firewall

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"time"
)

// iptablesTimeout bounds one run of the tools, which wait for a lock that other
// programs may hold.
const iptablesTimeout = 10 * time.Second

// iptablesMark is the comment by which we know our own rules again.
const iptablesMark = "holdfast"

// IPTables keeps the rules of the vrrp role with iptables and ip6tables, in
// chains that exist. It knows its rules by their comment, so those of a dead
// predecessor go, too. Its methods belong to one goroutine.
type IPTables struct {
	In, Out string // chains, such as INPUT and OUTPUT; without Out nothing sent is filtered

	policies map[string]Policy // what was applied last, by tool
}

// iptablesTools are the tools of the two families.
var iptablesTools = []struct {
	name string
	six  bool
}{{"iptables", false}, {"ip6tables", true}}

// Apply makes our rules those that the policy wants, for each family in one
// transaction.
func (n *IPTables) Apply(p Policy) error {
	if n.policies == nil {
		n.policies = map[string]Policy{}
	}
	var errs []error
	for _, tool := range iptablesTools {
		part := p.of(tool.six)
		if last, known := n.policies[tool.name]; known && reflect.DeepEqual(last, part) {
			continue
		}
		delete(n.policies, tool.name)
		if err := replace(tool.name, "filter", n.rules(part, tool.six)); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", tool.name, err))
			continue
		}
		n.policies[tool.name] = part
	}
	return errors.Join(errs...)
}

// Close removes our rules.
func (n *IPTables) Close() error { return n.Apply(Policy{}) }

// Release leaves the rules in place.
func (n *IPTables) Release() error { return nil }

// rules are the rules for a policy, in order, each without its verb: "CHAIN
// match … -j TARGET".
func (n *IPTables) rules(p Policy, six bool) []string {
	var list []string
	add := func(chain, match, target string) {
		if chain != "" {
			list = append(list, fmt.Sprintf("%s %s -m comment --comment %s -j %s", chain, match, iptablesMark, target))
		}
	}
	for _, v := range p.Virtual {
		if six {
			for _, kind := range []int{icmp6MLD2Report, icmp6RouterSolicit} {
				add(n.Out, fmt.Sprintf("-o %s -p ipv6-icmp -m icmp6 --icmpv6-type %d", v.Name, kind), "DROP")
			}
		} else {
			add(n.Out, fmt.Sprintf("-o %s -p igmp", v.Name), "DROP")
		}
		if v.Idle {
			add(n.In, fmt.Sprintf("-i %s -m pkttype --pkt-type unicast", v.Name), "DROP")
			add("FORWARD", fmt.Sprintf("-i %s -m pkttype --pkt-type unicast", v.Name), "DROP")
		}
	}
	if len(p.Silent) > 0 && six {
		for _, kind := range []int{icmp6NeighborSolicit, icmp6NeighborAdvert} {
			add(n.In, fmt.Sprintf("-p ipv6-icmp -m icmp6 --icmpv6-type %d", kind), "ACCEPT")
			add(n.Out, fmt.Sprintf("-p ipv6-icmp -m icmp6 --icmpv6-type %d", kind), "ACCEPT")
		}
	}
	for _, s := range p.Silent {
		add(n.In, fmt.Sprintf("-d %s", s.Addr), "DROP")
		add(n.Out, fmt.Sprintf("-s %s", s.Addr), "DROP")
	}
	return list
}

// replace removes our rules from a table and inserts new ones before all others.
func replace(tool, table string, rules []string) error {
	saved, err := run(tool+"-save", "", "-t", table)
	if err != nil {
		if errors.Is(err, exec.ErrNotFound) && len(rules) == 0 {
			return nil
		}
		return err
	}
	script := transaction(table, saved, rules)
	if script == "" {
		return nil
	}
	_, err = run(tool+"-restore", script, "--noflush", "--wait")
	return err
}

// transaction is the input for iptables-restore that turns our rules in saved,
// what iptables-save says of a table, into the given ones; empty if nothing is to
// do.
func transaction(table, saved string, rules []string) string {
	var b strings.Builder
	for line := range strings.Lines(saved) {
		rule, ours := strings.CutPrefix(strings.TrimSpace(line), "-A ")
		if ours && strings.Contains(rule, "--comment "+iptablesMark+" ") {
			fmt.Fprintf(&b, "-D %s\n", rule)
		}
	}
	for _, rule := range slices.Backward(rules) {
		chain, rest, _ := strings.Cut(rule, " ")
		fmt.Fprintf(&b, "-I %s 1 %s\n", chain, rest)
	}
	if b.Len() == 0 {
		return ""
	}
	return "*" + table + "\n" + b.String() + "COMMIT\n"
}

// run runs one tool and returns what it prints.
func run(name, input string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), iptablesTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(input)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(problem.String()))
	}
	return out.String(), nil
}
