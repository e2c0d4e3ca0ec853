package kernel

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/ipvs"
	"github.com/holdfast-lb/holdfast/ipvs/ipvstest"
)

// TestLostAnswer asks for something that is never answered.
func TestLostAnswer(t *testing.T) {
	sock, err := dial(receiveBuffer)
	if err != nil {
		t.Fatal(err)
	}
	defer sock.close()
	var m message
	sock.seq++
	m.end(m.begin(unix.NLMSG_NOOP, 0, sock.seq, 0, 0))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := sock.exchange(ctx, m.b, sock.seq, answers{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("exchange without an answer: %v, want %v", err, context.DeadlineExceeded)
	}
}

// answer builds one message of the kernel.
func answer(typ, flags uint16, seq uint32, body []byte) []byte {
	b := native.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	b = native.AppendUint16(b, typ)
	b = native.AppendUint16(b, flags)
	b = native.AppendUint32(b, seq)
	b = native.AppendUint32(b, 0)
	return append(b, body...)
}

func errno(e syscall.Errno) []byte { return native.AppendUint32(nil, uint32(-int32(e))) }

func TestTake(t *testing.T) {
	header := bytes.Repeat([]byte{0}, unix.SizeofNlMsghdr)
	var text message
	text.string(unix.NLMSGERR_ATTR_MSG, "no way")
	for _, tt := range []struct {
		name    string
		in      []byte
		done    bool
		err     error
		refused string
	}{
		{name: "an acknowledgement of the last request", in: answer(unix.NLMSG_ERROR, 0, 9, append(errno(0), header...)), done: true},
		{name: "an acknowledgement of an earlier one", in: answer(unix.NLMSG_ERROR, 0, 8, append(errno(0), header...))},
		{name: "a refusal", in: answer(unix.NLMSG_ERROR, 0, 9, append(errno(syscall.ESRCH), header...)), done: true, refused: "no such process"},
		{
			name: "a refusal with words",
			in: answer(unix.NLMSG_ERROR, unix.NLM_F_CAPPED|unix.NLM_F_ACK_TLVS, 9,
				slices.Concat(errno(syscall.EINVAL), header, text.b)),
			done: true, refused: "no way (invalid argument)",
		},
		{name: "the end of a dump", in: answer(unix.NLMSG_DONE, 0, 9, errno(0)), done: true},
		{name: "a dump that failed", in: answer(unix.NLMSG_DONE, 0, 9, errno(syscall.EIO)), done: true, refused: "input/output error"},
		{name: "an interrupted dump", in: answer(30, unix.NLM_F_DUMP_INTR, 9, []byte{1, 1, 0, 0}), err: ipvs.ErrUncertain},
		{name: "an answer to the future", in: answer(unix.NLMSG_DONE, 0, 10, nil), err: errGarbled},
		{name: "a length beyond the end", in: answer(unix.NLMSG_DONE, 0, 9, errno(0))[:18], err: errGarbled},
		{name: "a refusal without a number", in: answer(unix.NLMSG_ERROR, 0, 9, nil), err: errGarbled},
		{name: "data without a header", in: answer(30, 0, 9, []byte{1}), err: errGarbled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			refused := ""
			done, err := answers{refused: func(_ uint32, why refusal) { refused = why.Error() }}.take(tt.in, 9)
			if done != tt.done || !errors.Is(err, tt.err) || refused != tt.refused {
				t.Errorf("take = %v, %v, refused %q; want %v, %v, %q", done, err, refused, tt.done, tt.err, tt.refused)
			}
		})
	}
}

func FuzzTake(f *testing.F) {
	f.Add(answer(unix.NLMSG_ERROR, unix.NLM_F_CAPPED|unix.NLM_F_ACK_TLVS, 9, append(errno(syscall.ESRCH), 0, 0)))
	f.Add(answer(unix.NLMSG_DONE, 0, 9, nil))
	for _, e := range ipvstest.Everything() {
		var m message
		m.op(&ipvs.Op{Verb: ipvs.AddService, Service: e.Service})
		f.Add(answer(30, 0, 9, append([]byte{1, 1, 0, 0}, m.b...)))
		for _, d := range e.Destinations {
			m.b = nil
			m.op(&ipvs.Op{Verb: ipvs.AddDestination, Service: e.Service, Destination: d})
			f.Add(answer(30, 0, 9, append([]byte{1, 1, 0, 0}, m.b...)))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		answers{
			refused: func(_ uint32, why refusal) { _ = why.Error() },
			data: func(body []byte) error {
				if s, err := decodeService(body, make(names)); err == nil && s.FWMark == 0 && !s.Addr.IsValid() {
					t.Errorf("decoded a service without address: %+v", s)
				}
				if d, err := decodeDestination(body, ipvs.IPv4); err == nil && !d.Addr.IsValid() {
					t.Errorf("decoded a destination without address: %+v", d)
				}
				decodeDaemon(body)
				return nil
			},
		}.take(b, 9)
	})
}
