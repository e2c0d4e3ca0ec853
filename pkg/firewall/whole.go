package firewall

import (
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Whole reports whether our tables still have all the rules that were applied last.
// Those that another program has flushed or removed are made anew by the next
// Apply. As long as nobody changes anything in nftables it asks but one short question.
func (n *NFTables) Whole() (bool, error) {
	if len(n.rules) == 0 {
		return true, nil
	}
	now, err := n.generation()
	if err != nil || now == n.seen {
		return true, err
	}
	whole := true
	for family, want := range n.rules {
		have, err := n.count(family)
		if err != nil {
			return true, err
		}
		if have != want {
			delete(n.policies, family)
			whole = false
		}
	}
	if whole {
		n.seen = now
	}
	return whole, nil
}

// generation is a number that changes with everything in nftables.
func (n *NFTables) generation() (string, error) {
	answers, err := n.ask(unix.NFT_MSG_GETGEN, 0, unix.NFPROTO_UNSPEC, nil)
	if err != nil {
		return "", fmt.Errorf("ask for the generation of nftables: %w", err)
	}
	for _, a := range answers {
		if len(a.Data) < headerSize {
			continue
		}
		attributes, err := netlink.UnmarshalAttributes(a.Data[headerSize:])
		if err != nil {
			return "", fmt.Errorf("the generation of nftables: %w", err)
		}
		for _, at := range attributes {
			if at.Type == unix.NFTA_GEN_ID {
				return string(at.Data), nil
			}
		}
	}
	return "", errors.New("the kernel does not tell the generation of nftables")
}

// headerSize is that of struct nfgenmsg.
const headerSize = 4

// count is how many rules our table of a family has.
func (n *NFTables) count(family nftables.TableFamily) (int, error) {
	table, err := netlink.MarshalAttributes([]netlink.Attribute{{Type: unix.NFTA_RULE_TABLE, Data: append([]byte(n.options.Table), 0)}})
	if err != nil {
		return 0, err
	}
	answers, err := n.ask(unix.NFT_MSG_GETRULE, netlink.Dump, byte(family), table)
	if err != nil {
		return 0, fmt.Errorf("count the rules of the firewall table %s: %w", n.options.Table, err)
	}
	return len(answers), nil
}

func (n *NFTables) ask(what netlink.HeaderType, flags netlink.HeaderFlags, family byte, attributes []byte) ([]netlink.Message, error) {
	return n.watch.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | what, Flags: netlink.Request | flags},
		Data:   append([]byte{family, unix.NFNETLINK_V0, 0, 0}, attributes...),
	})
}
