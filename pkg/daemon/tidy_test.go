package daemon

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestForgetProgram(t *testing.T) {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range unchanged(string(smaps), exe) { // make all of it resident
		unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_POPULATE_READ)
	}
	before := residentFiles(t)
	forgetProgram()
	if after := residentFiles(t); after > before/2 {
		t.Errorf("%d kB of files were resident, and are still %d", before, after)
	}
}

// Of a position-independent program the loader has changed read-only pages, too.
func TestUnchanged(t *testing.T) {
	const smaps = `555555554000-555555a6c000 r-xp 00000000 fe:00 131 /usr/sbin/holdfast
Size:               5216 kB
Anonymous:             0 kB
AnonHugePages:         0 kB
VmFlags: rd ex mr mw me sd
555555a6c000-555555ff2000 r--p 00517000 fe:00 131 /usr/sbin/holdfast
Anonymous:          4096 kB
555555ff2000-55555600a000 rw-p 00a9d000 fe:00 131 /usr/sbin/holdfast
Anonymous:             0 kB
7ffff7d8a000-7ffff7db2000 r--p 00000000 fe:00 77 /usr/lib/libc.so.6
Anonymous:             0 kB
555556100000-555556200000 r--p 00b00000 fe:00 131 /usr/sbin/holdfast
Anonymous:             0 kB
`
	want := []mapping{{0x555555554000, 0x555555a6c000}, {0x555556100000, 0x555556200000}}
	if got := unchanged(smaps, "/usr/sbin/holdfast"); !slices.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

// residentFiles is how much of files is resident, in kilobytes.
func residentFiles(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "RssFile:")
	n, err := strconv.Atoi(strings.Fields(rest + " -")[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
