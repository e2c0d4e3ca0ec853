package track

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// proc is a running process.
type proc struct {
	pid  int
	comm string
	argv []string
}

// allProcesses lists the processes that run.
func allProcesses() []proc {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var list []proc
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, ok := oneProcess(pid); ok {
			list = append(list, p)
		}
	}
	return list
}

// oneProcess looks at one process; ok is false when it does not run (any more). A
// zombie does not run.
func oneProcess(pid int) (p proc, ok bool) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return p, false
	}
	comm, running := parseStat(string(stat))
	if !running {
		return p, false
	}
	line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil {
		return p, false
	}
	return proc{pid, comm, parseCommand(string(line))}, true
}

// parseStat reads the short name, which may hold any character, and the state
// from /proc/PID/stat: "1 (init) S …".
func parseStat(s string) (comm string, running bool) {
	from, to := strings.IndexByte(s, '('), strings.LastIndexByte(s, ')')
	if from < 0 || to < from || to+2 >= len(s) {
		return "", false
	}
	state := s[to+2]
	return s[from+1 : to], state != 'Z' && state != 'X' && state != 'x'
}

// parseCommand splits a command line, whose words end with zero bytes.
func parseCommand(s string) []string {
	if s = strings.TrimRight(s, "\x00"); s == "" {
		return nil
	}
	return strings.Split(s, "\x00")
}
