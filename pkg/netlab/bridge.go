package netlab

import (
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// setPortState sets the state of a bridge's port, as "bridge link set dev X state N" does.
func setPortState(s *Switch, ifindex int, state byte) error {
	return s.Do(func() error {
		req := nl.NewNetlinkRequest(unix.RTM_SETLINK, unix.NLM_F_ACK)
		msg := nl.NewIfInfomsg(unix.AF_BRIDGE)
		msg.Index = int32(ifindex)
		req.AddData(msg)
		port := nl.NewRtAttr(unix.IFLA_PROTINFO|unix.NLA_F_NESTED, nil)
		port.AddRtAttr(nl.IFLA_BRPORT_STATE, []byte{state})
		req.AddData(port)
		_, err := req.Execute(unix.NETLINK_ROUTE, 0)
		return err
	})
}
