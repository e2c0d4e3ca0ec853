package daemon

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// calm is when what follows a configuration's reading is over.
const calm = 5 * time.Second

// tidyLater returns the memory that reading a configuration has left behind to
// the system. Not at once: there is more to be done now, which needs memory, too.
func tidyLater() {
	time.AfterFunc(calm, func() {
		debug.FreeOSMemory()
		forgetProgram()
	})
}

// forgetProgram gives up the pages of the program that were needed up to now, above all by
// the reader of configurations. Those needed again come back from the page cache; where
// memory is locked they stay.
func forgetProgram() {
	name, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	for _, m := range unchanged(string(smaps), name) {
		unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED)
	}
}

type mapping struct{ from, to uintptr }

// unchanged is where a program is in memory just as it is in its file: neither variables
// nor what a dynamic loader has adjusted, as in position-independent programs, which would
// be lost.
func unchanged(smaps, program string) (list []mapping) {
	var m mapping
	fits := false
	for line := range strings.Lines(smaps) {
		var next mapping
		var mode, anonymous string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &next.from, &next.to, &mode); n == 3 {
			m, fits = next, !strings.Contains(mode, "w") && strings.HasSuffix(line, " "+program+"\n")
		} else if n, _ := fmt.Sscanf(line, "Anonymous: %s kB", &anonymous); n == 1 && fits && anonymous == "0" {
			list = append(list, m)
		}
	}
	return list
}
