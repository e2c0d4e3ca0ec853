package link

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// doors are packet sockets to announce through, which never wait and never receive. One
// serves all interfaces, as closing a packet socket takes milliseconds. What an interface
// does not let out occupies it: whoever finds no room there gets a socket of its own.
type doors map[door]int

type door struct {
	kind  int // SOCK_RAW, or SOCK_DGRAM for links that are not Ethernet
	index int // the interface; 0 for all
}

func openDoors() (doors, error) {
	d := doors{}
	_, err := d.open(door{kind: unix.SOCK_RAW})
	return d, err
}

func (d doors) open(which door) (int, error) {
	if fd, ok := d[which]; ok {
		return fd, nil
	}
	fd, err := unix.Socket(unix.AF_PACKET, which.kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("open packet socket: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, sendBuffer) // less is of no harm to the others
	d[which] = fd
	return fd, nil
}

// announce sends an announcement. Without room for it the error is EAGAIN.
func (d doors) announce(a Announcement) error {
	kind, send, err := announcing(a)
	if err != nil {
		return err
	}
	err = d.through(door{kind: kind}, send)
	if errors.Is(err, unix.EAGAIN) {
		err = d.through(door{kind, a.Index}, send)
	}
	if err != nil {
		return fmt.Errorf("announce %s: %w", a.Addr, err)
	}
	return nil
}

// announcing is what an announcement needs: the kind of socket, and the call.
func announcing(a Announcement) (kind int, send func(fd int) error, err error) {
	if len(a.MAC) == infiniBandLength {
		to, etherType, body, err := a.infiniBand()
		return unix.SOCK_DGRAM, func(fd int) error { return sendCooked(fd, a.Index, to, etherType, body) }, err
	}
	frame, err := a.Frame()
	if err != nil {
		return 0, nil, err
	}
	to := &unix.SockaddrLinklayer{Ifindex: a.Index, Halen: 6, Protocol: binary.NativeEndian.Uint16(frame[12:])}
	copy(to.Addr[:], frame[:6])
	return unix.SOCK_RAW, func(fd int) error { return unix.Sendto(fd, frame, 0, to) }, nil
}

func (d doors) through(which door, send func(fd int) error) error {
	fd, err := d.open(which)
	if err != nil {
		return err
	}
	for {
		err := send(fd)
		if which.index != 0 && (errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO)) {
			unix.Close(fd)
			delete(d, which)
		}
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func (d doors) close() {
	for _, fd := range d {
		unix.Close(fd)
	}
}
