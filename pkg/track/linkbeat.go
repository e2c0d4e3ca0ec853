package track

import (
	"context"
	"errors"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Beat is an interface whose link state is polled, because its driver does not
// report it.
type Beat struct {
	Interface string
	Method    string // MII, ETHTOOL or IOCTL; empty: the first that works
}

// beatInterval is how often polled interfaces are looked at.
const beatInterval = time.Second

// Linkbeat polls link states. Its methods belong to one goroutine.
type Linkbeat struct {
	report func(Event)
	fd     int
	cancel context.CancelFunc
	ended  sync.WaitGroup
}

// NewLinkbeat returns a poller of no interfaces. report is called from its
// goroutine. Interfaces are those of the namespace of the calling thread.
func NewLinkbeat(report func(Event)) (*Linkbeat, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return &Linkbeat{report: report, fd: fd, cancel: func() {}}, nil
}

// Set makes the polled interfaces those that are wanted and reports the state of
// each soon after.
func (b *Linkbeat) Set(want []Beat) {
	b.cancel()
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	if len(want) > 0 {
		b.ended.Go(func() { b.loop(ctx, want) })
	}
}

// Close ends the polling and waits.
func (b *Linkbeat) Close() {
	b.cancel()
	b.ended.Wait()
	unix.Close(b.fd)
}

func (b *Linkbeat) loop(ctx context.Context, list []Beat) {
	tick := time.NewTicker(beatInterval)
	defer tick.Stop()
	known := make(map[string]State, len(list))
	for {
		for _, beat := range list {
			s := StateOf(carrier(b.fd, beat))
			if known[beat.Interface] == s || ctx.Err() != nil {
				continue
			}
			known[beat.Interface] = s
			b.report(Event{
				Kind: KindLink, Name: beat.Interface, Changed: true, State: s, At: time.Now(),
				Log: []string{"Linkbeat reports " + beat.Interface + " " + s.String()},
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// carrier asks one interface; one that cannot be asked is down.
func carrier(fd int, b Beat) bool {
	methods := map[string]func(int, string) (bool, error){"MII": mii, "ETHTOOL": ethtool, "IOCTL": running}
	if ask := methods[b.Method]; ask != nil {
		up, err := ask(fd, b.Interface)
		return err == nil && up
	}
	for _, name := range []string{"MII", "ETHTOOL", "IOCTL"} {
		up, err := methods[name](fd, b.Interface)
		if err == nil {
			return up
		}
		if errors.Is(err, unix.ENODEV) {
			return false
		}
	}
	return false
}

// mii reads the link bit of the basic mode status register. Drivers latch a loss
// there, so it is read twice.
func mii(fd int, name string) (bool, error) {
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return false, err
	}
	if err := ioctl(fd, unix.SIOCGMIIPHY, unsafe.Pointer(ifr)); err != nil {
		return false, err
	}
	// struct mii_ioctl_data behind the name: phy, register, in, out.
	data := (*[4]uint16)(unsafe.Add(unsafe.Pointer(ifr), unix.IFNAMSIZ))
	const statusRegister, linkBit = 1, 4
	for range 2 {
		data[1] = statusRegister
		if err := ioctl(fd, unix.SIOCGMIIREG, unsafe.Pointer(ifr)); err != nil {
			return false, err
		}
	}
	return data[3]&linkBit != 0, nil
}

// ethtool asks for ETHTOOL_GLINK.
func ethtool(fd int, name string) (bool, error) {
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return false, err
	}
	value := struct{ cmd, data uint32 }{cmd: unix.ETHTOOL_GLINK}
	raw := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}{data: unsafe.Pointer(&value)}
	copy(raw.name[:], ifr.Name())
	if err := ioctl(fd, unix.SIOCETHTOOL, unsafe.Pointer(&raw)); err != nil {
		return false, err
	}
	return value.data != 0, nil
}

// running reads the flag that the kernel keeps.
func running(fd int, name string) (bool, error) {
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return false, err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, ifr); err != nil {
		return false, err
	}
	return ifr.Uint16()&unix.IFF_RUNNING != 0, nil
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
	if errno != 0 {
		return errno
	}
	return nil
}
