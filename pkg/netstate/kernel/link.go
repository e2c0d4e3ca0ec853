package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func (k *Kernel) linkByName(name string) (*netstate.Link, error) {
	return k.findLink(0, func(b *builder) { b.text(unix.IFLA_IFNAME, name) })
}

func (k *Kernel) link(index int) (*netstate.Link, error) {
	return k.findLink(index, func(*builder) {})
}

// findLink reads one link; nil if there is none.
func (k *Kernel) findLink(index int, name func(*builder)) (*netstate.Link, error) {
	answer, err := k.conn.request(unix.RTM_GETLINK, 0, linkBody(index, name)).Execute(unix.NETLINK_ROUTE, unix.RTM_NEWLINK)
	if err != nil {
		if errors.Is(err, unix.ENODEV) {
			return nil, nil
		}
		return nil, fmt.Errorf("read interface: %w", err)
	}
	for _, b := range answer {
		if l, ok := decodeLink(b); ok {
			return &l, nil
		}
	}
	return nil, nil
}

// linkBody is a struct ifinfomsg for one link, with attributes.
func linkBody(index int, attributes func(*builder)) []byte {
	m := builder{b: make([]byte, unix.SizeofIfInfomsg)}
	binary.NativeEndian.PutUint32(m.b[4:], uint32(index))
	attributes(&m)
	return m.b
}

// doomed is the group that interfaces are put into to be deleted together: a
// number that nobody uses for anything else.
const doomed = 0x646f6f6d

// RemoveLinks deletes interfaces in one step. To delete one by one would take
// long: at each step the kernel waits until nobody can be using what is deleted
// any more. That some are gone already is no error.
func (k *Kernel) RemoveLinks(indexes ...int) error {
	if len(indexes) > 1 && k.removeTogether(indexes) == nil {
		return nil
	}
	var errs []error
	for _, index := range indexes {
		errs = append(errs, k.removeLink(index))
	}
	return errors.Join(errs...)
}

func (k *Kernel) removeLink(index int) error {
	err := k.links.LinkDel(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Index: index}})
	if err == nil || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return fmt.Errorf("remove interface %d: %w", index, err)
}

// removeTogether deletes the interfaces as a group, unless somebody else's is a
// member of that.
func (k *Kernel) removeTogether(indexes []int) error {
	var others []netstate.Link
	err := dump(k.conn, unix.RTM_GETLINK, unix.RTM_NEWLINK, make([]byte, unix.SizeofIfInfomsg), decodeLink, &others,
		func(l netstate.Link) bool { return l.Group == doomed && !slices.Contains(indexes, l.Index) })
	switch {
	case err != nil:
		return err
	case len(others) > 0:
		return fmt.Errorf("%v is in group %d", others[0], doomed)
	}
	group := func(b *builder) { b.u32(unix.IFLA_GROUP, doomed) }
	for _, index := range indexes {
		err := k.conn.do(request{kind: unix.RTM_SETLINK, body: linkBody(index, group)})
		if err != nil && !errors.Is(err, unix.ENODEV) {
			return err
		}
	}
	return k.conn.do(request{kind: unix.RTM_DELLINK, body: linkBody(0, group)})
}
