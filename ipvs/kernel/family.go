package kernel

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/ipvs"
)

// familyName is what the kernel calls the generic netlink family of IPVS.
const familyName = "IPVS"

// resolve finds the number of the IPVS family; without one every request would
// go nowhere. The kernel tries to load its module when it is asked, but not in
// every container, so modprobe is tried too.
func (s *socket) resolve(ctx context.Context) (uint16, error) {
	family, err := s.lookUp(ctx, familyName)
	if !errors.Is(err, syscall.ENOENT) {
		return family, err
	}
	said, merr := exec.CommandContext(ctx, "modprobe", "ip_vs").CombinedOutput()
	if family, err = s.lookUp(ctx, familyName); !errors.Is(err, syscall.ENOENT) {
		return family, err
	}
	if merr != nil {
		return 0, fmt.Errorf("%w (tried: %w: %s)", ipvs.ErrNoIPVS, merr, firstLine(said))
	}
	return 0, ipvs.ErrNoIPVS
}

func (s *socket) lookUp(ctx context.Context, name string) (uint16, error) {
	s.seq++
	var m message
	at := m.begin(unix.GENL_ID_CTRL, unix.NLM_F_ACK, s.seq, unix.CTRL_CMD_GETFAMILY, 1)
	m.string(unix.CTRL_ATTR_FAMILY_NAME, name)
	m.end(at)

	var family uint16
	var no error
	err := s.exchange(ctx, m.b, s.seq, answers{
		refused: func(_ uint32, why refusal) { no = why },
		data: func(body []byte) error {
			family = getUint16(nested(body, unix.CTRL_ATTR_FAMILY_ID))
			return nil
		},
	})
	switch {
	case err != nil:
		return 0, fmt.Errorf("ask the kernel for IPVS: %w", err)
	case no != nil:
		return 0, fmt.Errorf("ask the kernel for IPVS: %w", no)
	case family == 0:
		return 0, fmt.Errorf("ask the kernel for IPVS: %w", errGarbled)
	}
	return family, nil
}

func firstLine(b []byte) []byte {
	for i, c := range b {
		if c == '\n' {
			return b[:i]
		}
	}
	return b
}
