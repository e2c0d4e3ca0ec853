package daemon

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestForgetProgram(t *testing.T) {
	for _, m := range program() { // make all of it resident
		unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_POPULATE_READ)
	}
	before := residentFiles(t)
	forgetProgram()
	if after := residentFiles(t); after > before/2 {
		t.Errorf("%d kB of files were resident, and are still %d", before, after)
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
