package router

import (
	"fmt"
	"net"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"github.com/holdfast-lb/holdfast/pkg/netstate/kernel"
	"github.com/holdfast-lb/holdfast/vrrp/link"
)

// announce tells the network about the addresses, once they are set.
func (r *role) announce(i *instance, repeat int) {
	if i.busy > 0 {
		i.repeat = max(i.repeat, repeat)
		return
	}
	r.announceNow(i, repeat)
}

func (r *role) announceNow(i *instance, repeat int) { r.announceThose(i, i.want.Addresses, repeat) }

func (r *role) announceThose(i *instance, addresses []netstate.Address, repeat int) {
	list := make([]link.Announcement, 0, len(addresses))
	forwarding := map[int]bool{} // by interface: asking takes reading a file
	for _, a := range addresses {
		l, ok := r.mirror.Link(a.Link)
		if !ok || !l.Resolves() || !r.probed(a) {
			continue
		}
		what := "gratuitous ARPs"
		if !a.Prefix.Addr().Is4() {
			what = "Unsolicited Neighbour Adverts"
			if _, asked := forwarding[a.Link]; !asked {
				forwarding[a.Link] = kernel.Forwarding(l.Name)
			}
		}
		i.log.Debug(fmt.Sprintf("(%s) Sending/queueing %s on %s for %v", i.cfg.Name, what, l.Name, a.Prefix.Addr()))
		list = append(list, link.Announcement{
			Owner: i.cfg.Name, Interface: l.Name, Index: a.Link, MAC: net.HardwareAddr(l.MAC.Bytes()), Addr: a.Prefix.Addr(),
			Broadcast: net.HardwareAddr(l.Broadcast.Bytes()), Router: forwarding[a.Link],
		})
	}
	r.announcer.Announce(list, repeat)
}

// announceSelf tells the peers of a unicast instance, after a fault, where the address is
// that its adverts come from: their caches may name another port or card.
func (r *role) announceSelf(i *instance) {
	l, ok := r.mirror.Link(i.base.Index)
	if !i.cfg.Unicast || !ok || !l.Resolves() || !r.present(i.source) {
		return
	}
	a := link.Announcement{
		Owner: i.cfg.Name, Interface: l.Name, Index: l.Index, MAC: net.HardwareAddr(l.MAC.Bytes()), Addr: i.source,
		Broadcast: net.HardwareAddr(l.Broadcast.Bytes()),
	}
	what := "ARP"
	if i.source.Is6() {
		what, a.Router = "NA", kernel.Forwarding(l.Name)
	}
	i.log.Info(fmt.Sprintf("%s: sending gratuitous %s for %v", i.cfg.Name, what, i.source))
	r.announcer.Announce([]link.Announcement{a}, 1)
}

// probed reports whether duplicate address detection lets us speak of an address.
func (r *role) probed(want netstate.Address) bool {
	if want.Prefix.Addr().Is4() || want.NoDAD {
		return true
	}
	have, exists := r.mirror.Address(want)
	return exists && have.Usable()
}

// detected follows the end of duplicate address detection: the network can be
// told, or somebody else has the address.
func (r *role) detected(was netstate.Address, known bool, is netstate.Address) {
	i := r.holder(is.Key())
	switch {
	case i == nil || !i.held:
	case is.Duplicate && !was.Duplicate:
		i.refusals.add(fmt.Sprintf("address %v refused: somebody else on the link has it", is.Prefix.Addr()), time.Now())
	case is.Prefix.Addr().Is6() && !is.NoDAD && is.Usable() && (was.Tentative || !known):
		r.announce(i, max(i.cfg.GARP.MasterRepeat, 1))
	}
}

// announceExtra tells switches where addresses are that are on other interfaces than
// the one that adverts leave through, which do so for that, at the pace of garp_extra_if.
func (r *role) announceExtra(i *instance, now time.Time) {
	if i.cfg.GARPExtraIf == 0 || !i.held || i.busy > 0 || now.Before(i.extraAt) {
		return
	}
	i.extraAt = now.Add(i.cfg.GARPExtraIf)
	r.announceThose(i, i.elsewhere(), 1)
}

// elsewhere are the addresses that garp_extra_if is about: those on interfaces of our own
// that no adverts leave through, and with all on any such interface.
func (i *instance) elsewhere() (list []netstate.Address) {
	for _, a := range i.want.Addresses {
		ours := slices.ContainsFunc(i.virtuals, func(v *virtual) bool { return v.index == a.Link })
		if a.Link != i.own.Index && (ours || i.cfg.GARPExtraIfAll) {
			list = append(list, a)
		}
	}
	return list
}

// announced hears of every announcement that was sent, from the announcer.
func (r *role) announced(a link.Announcement, err error) {
	if !r.log.Core().Enabled(zap.DebugLevel) {
		return
	}
	what := "gratuitous ARP"
	if a.Addr.Is6() {
		what = "unsolicited Neighbour Advert"
	}
	text := fmt.Sprintf("Sending %s on %s for %v", what, a.Interface, a.Addr)
	if err != nil {
		r.log.Debug(text+" failed", zap.Error(err))
		return
	}
	r.log.Debug(text)
}
