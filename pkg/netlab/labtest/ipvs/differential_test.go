package ipvs_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/vishvananda/netlink"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// TestDifferential runs the stories in testdata with keepalived and with holdfast and
// compares the kernel's tables after each step. A story is a txtar archive: its comment
// holds the steps, its files are configurations.
//
//	up ADDR:PORT...      HTTP servers that run from now on
//	down ADDR:PORT...    and that do not
//	start FILE FLAGS...  the daemon starts
//	reload FILE          and gets a new configuration
//	stop, crash          SIGTERM; SIGKILL to all its processes
//	connect N ADDR:PORT  N connections to a virtual address, one by one
//	ipvsadm ARGS...      somebody else's change
//	address VERB PREFIX  ip address add or del on the interface lan
//	settle DURATION      how long tables must be quiet before they are compared
//	words                what the log says about services is compared, too
//
// The daemon's host has the interface lan with 10.9.0.1/24, addresses of virtual servers
// 10.9.0.100 to .109 and of real servers 10.9.0.11 to .18, and likewise fd09::100 etc.
func TestDifferential(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			beside(t, func(t *testing.T, bin string) []string {
				return newStory(t, bin, archive).tell()
			})
		})
	}
}

// story is one run of an archive with one daemon.
type story struct {
	t       *testing.T
	bin     string
	files   map[string]string
	steps   []string
	ns      *netlab.Namespace
	servers map[string]*netlab.Backend
	daemon  *netlab.Daemon
	quiet   time.Duration
	words   bool
	heard   int // of the log
}

func newStory(t *testing.T, bin string, archive *txtar.Archive) *story {
	t.Helper()
	s := &story{t: t, bin: bin, files: map[string]string{}, servers: map[string]*netlab.Backend{}, quiet: time.Second}
	for _, f := range archive.Files {
		s.files[f.Name] = string(f.Data)
	}
	for line := range strings.Lines(string(archive.Comment)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			s.steps = append(s.steps, line)
		}
	}
	s.ns = lab(t).Namespace("lb")
	s.ns.AddLink(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "lan"}})
	s.ns.AddAddr("lan", "10.9.0.1/24", "fd09::1/64")
	for _, span := range [][2]int{{11, 18}, {100, 109}} {
		for i := span[0]; i <= span[1]; i++ {
			s.ns.AddAddr("lan", fmt.Sprintf("10.9.0.%d/32", i), fmt.Sprintf("fd09::%d/128", i))
		}
	}
	return s
}

// tell performs the steps and returns what the kernel said after each.
func (s *story) tell() []string {
	s.t.Helper()
	var seen []string
	for _, step := range s.steps {
		words := strings.Fields(step)
		note := s.perform(words[0], words[1:])
		if words[0] == "settle" || s.daemon == nil {
			continue
		}
		seen = append(seen, "== "+step+note)
		seen = append(seen, settled(s.t, s.ns, s.daemon, s.quiet)...)
		if s.words {
			seen = append(seen, s.said()...)
		}
	}
	if s.daemon.Alive() {
		s.daemon.Stop()
	}
	return seen
}

// said are the lines about services that the log has got since the last time, sorted and
// without their dates. Which checks begin to be made is left out: with keepalived a reload
// begins all of them anew.
func (s *story) said() []string {
	const date = len("Mon Jan  2 15:04:05 2006: ")
	log := s.daemon.Log()
	var lines []string
	for line := range strings.Lines(log[s.heard:]) {
		if len(line) > date && strings.Contains(line, "]:tcp:") && !strings.Contains(line, "Activating") {
			lines = append(lines, line[date:])
		}
	}
	s.heard = len(log)
	slices.Sort(lines)
	return lines
}

// perform does one step and returns what is worth comparing besides the tables.
func (s *story) perform(verb string, args []string) (note string) {
	s.t.Helper()
	switch verb {
	case "up":
		for _, a := range args {
			if s.servers[a] == nil {
				s.servers[a] = s.ns.Serve("http", a)
			}
			s.servers[a].Up()
		}
	case "down":
		for _, a := range args {
			s.servers[a].Down()
		}
	case "start":
		if s.daemon == nil || len(args) > 0 {
			s.daemon = s.ns.NewDaemon(s.bin, s.config(args[0]), args[1:]...)
		}
		s.daemon.Start()
	case "reload":
		s.daemon.Reload(s.config(args[0]))
	case "stop":
		return fmt.Sprintf(": exit status %d", s.daemon.Stop())
	case "crash":
		s.daemon.Crash()
	case "connect":
		n, err := strconv.Atoi(args[0])
		if err != nil {
			s.t.Fatal(err)
		}
		return fmt.Sprintf(": %d failed", s.ns.AskMany("http", args[1], n)["-"])
	case "ipvsadm":
		_, err := s.ns.Command("ipvsadm", args...)
		return ": " + exitStatus(err)
	case "address":
		s.ns.Run("ip", "address", args[0], args[1], "dev", "lan")
	case "words":
		s.words = true
	case "settle":
		d, err := time.ParseDuration(args[0])
		if err != nil {
			s.t.Fatal(err)
		}
		s.quiet = d
	default:
		s.t.Fatalf("unknown step %q", verb)
	}
	return ""
}

func (s *story) config(name string) string {
	s.t.Helper()
	text, ok := s.files[name]
	if !ok {
		s.t.Fatalf("the story has no file %s", name)
	}
	return text
}
