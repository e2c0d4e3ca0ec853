package config

import (
	"net/netip"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

func openBFD(d *decoder, a *arg) bool {
	if !d.nameOrStop(a) {
		return false
	}
	name := a.words[0]
	if len(name.Text) > 31 {
		d.err("name-too-long", name, "the name of a BFD session has at most 31 characters")
		return false
	}
	for _, b := range d.cfg.BFD {
		if b.Name == name.Text {
			return d.duplicate(a, b.At)
		}
	}
	d.newBFD(name)
	return true
}

func (d *decoder) newBFD(name syntax.Word) {
	d.bfd = &bfdDraft{BFDInstance: &BFDInstance{
		Name: name.Text, At: name.At, Multiplier: 5,
		MinRx: 10 * time.Millisecond, MinTx: 10 * time.Millisecond, IdleTx: time.Second,
	}}
}

func setNeighbor(d *decoder, a *arg) { d.bfd.Neighbor = a.addr }

func endBFD(d *decoder) {
	b := d.bfd
	name := syntax.Word{At: b.At}
	if !b.Neighbor.IsValid() {
		if d.role == BFD {
			d.err("missing-neighbor", name, "bfd_instance %s has no neighbor_ip; it is ignored", b.Name)
			return
		}
	} else if b.Source.IsValid() && b.Source.Is6() != b.Neighbor.Is6() {
		d.err("family-mismatch", name, "source_ip and neighbor_ip of %s are of different families", b.Name)
		b.Source = netip.Addr{}
	}
	if b.TTL == 0 {
		b.TTL = 255
		if b.Neighbor.Is6() {
			b.TTL = 64
		}
	}
	if !b.rolesGiven {
		b.VRRP, b.Checkers = true, true
	}
	if d.role == VRRP && !b.VRRP || d.role == Checkers && !b.Checkers {
		return
	}
	d.cfg.BFD = append(d.cfg.BFD, b.BFDInstance)
}
