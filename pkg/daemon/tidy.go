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
	for _, m := range program() {
		unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED)
	}
}

type mapping struct{ from, to uintptr }

// program is where the program itself is in memory, without its variables.
func program() (list []mapping) {
	name, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(maps)) {
		var m mapping
		var mode string
		_, err := fmt.Sscanf(line, "%x-%x %s", &m.from, &m.to, &mode)
		if err == nil && !strings.Contains(mode, "w") && strings.HasSuffix(line, " "+name+"\n") {
			list = append(list, m)
		}
	}
	return list
}
