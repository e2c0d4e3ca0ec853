package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
)

// link is the line between the supervisor and one role: a socket pair that
// keeps messages apart. Either side learns from its end that the other is gone.
type link struct{ conn *net.UnixConn }

// message is what is said on a link. A configuration travels beside it as an
// open memory file.
type message struct {
	Start    *orders `json:"start,omitempty"`    // to a role, first
	Reload   bool    `json:"reload,omitempty"`   // to a role, with a configuration
	Ready    bool    `json:"ready,omitempty"`    // from a role that has started
	Reloaded bool    `json:"reloaded,omitempty"` // from a role that has taken a configuration
	HUP      bool    `json:"hup,omitempty"`      // from a role that was sent SIGHUP
}

// orders is what a role has to know at its start.
type orders struct {
	Role     string
	Options  Options
	Mode     config.Mode
	Settings config.RoleProcess
	Name     string // the kernel's, of the process
}

// maxMessage is more than any message needs.
const maxMessage = 64 << 10

// newLink returns both ends of a link; the second is for a child.
func newLink() (*link, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socket pair: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "link")
	ours, err := linkOn(os.NewFile(uintptr(fds[0]), "link"))
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// linkOn makes a link of its end, which it closes.
func linkOn(f *os.File) (*link, error) {
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("link to the supervisor: %w", err)
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		conn.Close()
		return nil, errors.New("link to the supervisor: not a Unix socket")
	}
	return &link{unixConn}, nil
}

func (l *link) close() { l.conn.Close() }

// send sends a message, with an open file if there is one.
func (l *link) send(m message, file *os.File) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	var rights []byte
	if file != nil {
		rights = unix.UnixRights(int(file.Fd()))
	}
	_, _, err = l.conn.WriteMsgUnix(data, rights, nil)
	return err
}

// receive waits for a message. Whoever receives a file closes it. The error is
// io.EOF when the other side is gone.
func (l *link) receive() (message, *os.File, error) {
	data := make([]byte, maxMessage)
	oob := make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := l.conn.ReadMsgUnix(data, oob)
	if err != nil {
		return message{}, nil, err
	}
	if n == 0 {
		return message{}, nil, io.EOF
	}
	var m message
	if err := json.Unmarshal(data[:n], &m); err != nil {
		return message{}, nil, fmt.Errorf("unreadable message: %w", err)
	}
	return m, receivedFile(oob[:oobn]), nil
}

func receivedFile(oob []byte) *os.File {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(msgs) == 0 {
		return nil
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) == 0 {
		return nil
	}
	unix.CloseOnExec(fds[0])
	return os.NewFile(uintptr(fds[0]), "configuration")
}

// memoryFile returns an anonymous file with what write writes, which nobody can
// change any more.
func memoryFile(write func(io.Writer) error) (*os.File, error) {
	fd, err := unix.MemfdCreate("holdfast-config", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("memory file: %w", err)
	}
	f := os.NewFile(uintptr(fd), "configuration")
	if err := write(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("memory file: %w", err)
	}
	const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals); err != nil {
		f.Close()
		return nil, fmt.Errorf("seal memory file: %w", err)
	}
	return f, nil
}

// content is what a received memory file holds.
func content(f *os.File) (string, error) {
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	var text strings.Builder
	text.Grow(int(info.Size()))
	_, err = io.Copy(&text, io.NewSectionReader(f, 0, info.Size()))
	return text.String(), err
}
