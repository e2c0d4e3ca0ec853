package router

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/vrrp"
	"github.com/holdfast-lb/holdfast/vrrp/packet"
)

// handover is memory that the next incarnation of the role finds as we left
// it, even if we are killed between two instructions. There is a record for
// each instance: who was master, when it last spoke, and the numbers that its
// packets must go on with. Writing to it is a store to memory, no system call.
type handover struct {
	records []byte

	// The boot clock takes a system call to read. It is read with each
	// heartbeat, and counted on from there.
	booted time.Duration
	asOf   time.Time
}

// A record is an identity and four numbers of eight bytes: the state, the last
// advert on the boot clock in nanoseconds, the counter of trailers, and those
// of the other headers.
const (
	recordSize = 40
	maxRecords = 1024
)

// openHandover maps the file. Without one, nothing is remembered.
func openHandover(f *os.File) (*handover, error) {
	if f == nil {
		return &handover{}, nil
	}
	const size = recordSize * maxRecords
	if err := f.Truncate(size); err != nil {
		return &handover{}, fmt.Errorf("hand-over memory: %w", err)
	}
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return &handover{}, fmt.Errorf("hand-over memory: %w", err)
	}
	h := &handover{records: b}
	h.setClock(time.Now())
	return h, nil
}

func (h *handover) close() {
	if h.records != nil {
		_ = unix.Munmap(h.records)
		h.records = nil
	}
}

// key is an instance's identity as a number that is never zero.
func (i *instance) key() uint64 {
	hash := fnv.New64a()
	fmt.Fprintf(hash, "%+v", identityOf(i.cfg))
	return hash.Sum64() | 1
}

// record finds the record of an instance, or one to be used for it.
func (h *handover) record(key uint64) []byte {
	var free []byte
	for at := 0; at+recordSize <= len(h.records); at += recordSize {
		r := h.records[at : at+recordSize]
		switch binary.NativeEndian.Uint64(r) {
		case key:
			return r
		case 0:
			if free == nil {
				free = r
			}
		}
	}
	return free
}

// left is what a predecessor left of an instance.
type left struct {
	master   bool
	silent   time.Duration // since its last advert
	counters packet.Counters
}

// recall returns what a predecessor left, and keeps the record for us.
func (h *handover) recall(i *instance) (left, bool) {
	key := i.key()
	i.record = h.record(key)
	if i.record == nil {
		return left{}, false
	}
	if binary.NativeEndian.Uint64(i.record) != key {
		clear(i.record)
		binary.NativeEndian.PutUint64(i.record, key)
		return left{}, false
	}
	numbers := binary.NativeEndian.Uint64(i.record[32:])
	return left{
		master: binary.NativeEndian.Uint64(i.record[8:]) == uint64(vrrp.Master),
		silent: bootClock() - time.Duration(binary.NativeEndian.Uint64(i.record[16:])),
		counters: packet.Counters{
			Seq: binary.NativeEndian.Uint64(i.record[24:]), AH: uint32(numbers >> 32), ID: uint16(numbers),
		},
	}, true
}

func (h *handover) setClock(now time.Time) { h.booted, h.asOf = bootClock(), now }

// spoke notes an advert. The counters are written first: a number too many is
// harmless, one too few makes the next advert a replay.
func (h *handover) spoke(i *instance, now time.Time) {
	if i.record == nil {
		return
	}
	c := i.encoder.Counters()
	binary.NativeEndian.PutUint64(i.record[24:], c.Seq)
	binary.NativeEndian.PutUint64(i.record[32:], uint64(c.AH)<<32|uint64(c.ID))
	binary.NativeEndian.PutUint64(i.record[16:], uint64(h.booted+now.Sub(h.asOf)))
}

// changed notes a state.
func (h *handover) changed(i *instance, s vrrp.State) {
	if i.record != nil {
		binary.NativeEndian.PutUint64(i.record[8:], uint64(s))
	}
}

// bootClock counts from the start of the machine, through suspensions and
// whatever is done to the wall clock.
func bootClock() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
