package firewall

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Options say how the tables look.
type Options struct {
	Table    string // name of the tables, of which there is one per family
	Priority int32  // of the base chains; keepalived's default is -1
	Counters bool   // count packets in each rule
}

// NFTables keeps rules in nftables. Its methods belong to one goroutine.
type NFTables struct {
	conn     *nftables.Conn
	options  Options
	policies map[nftables.TableFamily]any // what was applied last
	rules    map[nftables.TableFamily]int // how many rules that made, if any
	watch    *netlink.Conn                // asks whether they are still there
	seen     string                       // the generation in which they were
}

// OpenNFTables opens the sockets. Close it with [NFTables.Close].
func OpenNFTables(o Options) (*NFTables, error) {
	conn, err := nftables.New(nftables.AsLasting())
	if err != nil {
		return nil, fmt.Errorf("open nftables: %w", err)
	}
	watch, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open nftables: %w", err), conn.CloseLasting())
	}
	return &NFTables{
		conn: conn, options: o, watch: watch,
		policies: map[nftables.TableFamily]any{}, rules: map[nftables.TableFamily]int{},
	}, nil
}

// families are the two kinds of table that are kept.
var families = []struct {
	family nftables.TableFamily
	six    bool
}{{nftables.TableFamilyIPv4, false}, {nftables.TableFamilyIPv6, true}}

// Apply makes the tables what the policy wants, each in one transaction, and
// removes one that has nothing to do. Tables that are as wanted already are not
// touched, so counters go on.
func (n *NFTables) Apply(p Policy) error {
	var errs []error
	for _, f := range families {
		part := p.of(f.six)
		errs = append(errs, n.replace(f.family, part, part.empty(), func(t *tableBuilder) { t.policy(part, f.six) }))
	}
	return errors.Join(errs...)
}

// ApplyServices does the same with the policy of the checkers role, which has
// tables of its own.
func (n *NFTables) ApplyServices(p ServicePolicy) error {
	var errs []error
	for _, f := range families {
		part := p.of(f.six)
		errs = append(errs, n.replace(f.family, part, part.empty(), func(t *tableBuilder) { t.services(part, f.six) }))
	}
	return errors.Join(errs...)
}

// Close removes our tables and closes the sockets.
func (n *NFTables) Close() error {
	return errors.Join(n.Apply(Policy{}), n.Release())
}

// Release closes the sockets and leaves the rules in place.
func (n *NFTables) Release() error { return errors.Join(n.conn.CloseLasting(), n.watch.Close()) }

// replace swaps one table for what build makes.
func (n *NFTables) replace(family nftables.TableFamily, want any, empty bool, build func(*tableBuilder)) error {
	if reflect.DeepEqual(n.policies[family], want) {
		return nil
	}
	delete(n.rules, family)
	n.seen = ""
	table := &nftables.Table{Family: family, Name: n.options.Table}
	// Made first, so that removing it does not fail where there is none.
	n.conn.AddTable(table)
	n.conn.DelTable(table)
	b := &tableBuilder{conn: n.conn, table: table, options: n.options}
	if !empty {
		n.conn.AddTable(table)
		build(b)
		if b.err != nil {
			delete(n.policies, family)
			return fmt.Errorf("firewall table %s: %w", n.options.Table, b.err)
		}
	}
	if err := n.conn.Flush(); err != nil {
		delete(n.policies, family)
		if empty && errors.Is(err, unix.EOPNOTSUPP) {
			return nil // no nftables in the kernel, and nothing to do
		}
		return fmt.Errorf("firewall table %s: %w", n.options.Table, firstRefusal(err))
	}
	n.policies[family] = want
	if b.rules > 0 {
		n.rules[family] = b.rules
	}
	return nil
}

// firstRefusal is what was wrong with a batch: the kernel also refuses the messages that
// build upon the one it does not take.
func firstRefusal(err error) error {
	var many interface{ Unwrap() []error }
	for errors.As(err, &many) {
		err = many.Unwrap()[0]
	}
	if errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("the kernel lacks nf_tables or a part of it: %w", err)
	}
	return err
}
