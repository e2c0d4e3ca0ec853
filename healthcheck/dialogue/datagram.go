package dialogue

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// udp sends one datagram. Silence is consent, unless a reply is required.
type udp struct{ ask healthcheck.UDP }

func (u *udp) Open() Turn { return say(u.ask.Payload) }

func (u *udp) Hear(in []byte) Turn {
	if !u.ask.RequireReply {
		return passed()
	}
	if len(in) < u.ask.MinReply || u.ask.MaxReply > 0 && len(in) > u.ask.MaxReply {
		return failed(healthcheck.FaultReply, "reply of %d bytes, wanted %d to %d", len(in), u.ask.MinReply, u.ask.MaxReply)
	}
	for i := range min(len(in), len(u.ask.Reply)) {
		mask := byte(0xff)
		if i < len(u.ask.ReplyMask) {
			mask = u.ask.ReplyMask[i]
		}
		if (in[i]^u.ask.Reply[i])&mask != 0 {
			return failed(healthcheck.FaultReply, "reply differs at byte %d", i)
		}
	}
	return passed()
}

func (u *udp) Closed() Turn { return Turn{} } // datagrams do not end

func (u *udp) Silent() healthcheck.Result {
	if u.ask.RequireReply {
		return fault(healthcheck.FaultReadTimeout, "no reply in time")
	}
	return healthcheck.Result{OK: true}
}

// dns asks one question (RFC 1035). A reply with rcode 0 is good, even an
// empty one.
type dns struct {
	id    uint16
	query []byte
}

func prepareDNS(ask healthcheck.DNS) (Plan, error) {
	name, err := dnsmessage.NewName(strings.TrimSuffix(ask.Name, ".") + ".")
	if err != nil {
		return Plan{}, fmt.Errorf("DNS name %q: %w", ask.Name, err)
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: name, Type: dnsmessage.Type(ask.Type), Class: dnsmessage.ClassINET}},
	}
	query, err := m.Pack()
	if err != nil {
		return Plan{}, fmt.Errorf("DNS name %q: %w", ask.Name, err)
	}
	begin := func(a Attempt) Dialogue {
		q := append([]byte(nil), query...)
		binary.BigEndian.PutUint16(q, a.ID)
		return &dns{id: a.ID, query: q}
	}
	return Plan{Transport: Datagram, Begin: begin}, nil
}

func (d *dns) Open() Turn { return say(d.query) }

func (d *dns) Hear(in []byte) Turn {
	var p dnsmessage.Parser
	h, err := p.Start(in)
	if err != nil || !h.Response || h.ID != d.id { // not our answer; it may still come
		return Turn{}
	}
	if h.RCode != dnsmessage.RCodeSuccess {
		t := failed(healthcheck.FaultStatus, "rcode %d (%s)", h.RCode, strings.TrimPrefix(h.RCode.String(), "RCode"))
		t.Result.Value = int64(h.RCode)
		return t
	}
	return passed()
}

func (d *dns) Closed() Turn { return Turn{} }

func (d *dns) Silent() healthcheck.Result {
	return fault(healthcheck.FaultReadTimeout, "no reply in time")
}

// ping sends an ICMP echo through a datagram socket, for which the kernel
// fills in identifier and checksum and keeps other programs' replies away.
type ping struct {
	v6  bool
	seq uint16
}

const (
	echoData = 128 // bytes of text

	echoRequest4, echoReply4 = 8, 0     // RFC 792
	echoRequest6, echoReply6 = 128, 129 // RFC 4443 section 4
)

func (p *ping) Open() Turn {
	b := make([]byte, 8, 8+echoData) // type, code, checksum, id, sequence, data
	b[0] = echoRequest4
	if p.v6 {
		b[0] = echoRequest6
	}
	binary.BigEndian.PutUint16(b[6:], p.seq)
	const text = "holdfast health check - "
	for len(b) < cap(b) {
		b = append(b, text[:min(len(text), cap(b)-len(b))]...)
	}
	return say(b)
}

func (p *ping) Hear(in []byte) Turn {
	want := byte(echoReply4)
	if p.v6 {
		want = echoReply6
	}
	if len(in) < 8 || in[0] != want || binary.BigEndian.Uint16(in[6:]) != p.seq {
		return Turn{} // the answer to an earlier question, or no answer
	}
	return passed()
}

func (p *ping) Closed() Turn { return Turn{} }

func (p *ping) Silent() healthcheck.Result {
	return fault(healthcheck.FaultReadTimeout, "no echo in time")
}
