package config_test

import (
	"encoding/csv"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/diag"
	"github.com/holdfast-lb/holdfast/pkg/config/host"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// explained are the files of a corpus whose verdict or values differ on
// purpose, and what keepalived does wrong there.
var explained = map[string]string{
	"010-sample-SMTP_CHECK.conf":  "of several host blocks in an SMTP_CHECK keepalived keeps the last one, and for each it adds a check of the server's own address that times out at once",
	"229-dev-chk_smtp_test.conf":  "beside the host block of an SMTP_CHECK keepalived adds a check of the server's own address that times out at once",
	"190-dev-one_one.conf":        "keepalived's dump breaks off in the middle of a line",
	"195-dev-1819-6.conf":         "keepalived's vrrp process ends before it writes its data",
	"233-dev-1940-full.conf":      "keepalived's dump breaks off in the middle of a line",
	"259-dev-duplicate_vrid.conf": "keepalived's dump shows freed memory and breaks off",
}

// volatile are the lines of a dump that depend on the moment or on the machine.
var volatile = regexp.MustCompile(`(?i)<time>|libnftnl|iproute (usr|etc)|Router ID = vm|compiled with LVS|rx_bufs|reloaded|alive =|Alive:|Has run|RS set|` +
	`previous effective|effective weight|quorum_state|num failed|Read timeout|Master down|Gratuitous ARP timer|Last transition|state`)

// corpus is a folder of configurations with what keepalived made of them:
// configs, dumps and MANIFEST.tsv, and the same below broken.
type corpus struct {
	files, lines, different int
}

// TestCorpus compares verdicts and values with those of keepalived 2.4.3, over
// the folder that HOLDFAST_CORPUS names; HOLDFAST_CORPUS_REPORT is where the
// report goes.
func TestCorpus(t *testing.T) {
	root := os.Getenv("HOLDFAST_CORPUS")
	if root == "" {
		t.Skip("HOLDFAST_CORPUS names no folder of configurations")
	}
	var c corpus
	var report strings.Builder
	for _, part := range []struct{ manifest, configs, dumps string }{
		{"MANIFEST.tsv", "configs", "dumps"},
		{"broken/MANIFEST.tsv", "broken", "broken/dumps"},
	} {
		for _, row := range manifest(t, filepath.Join(root, part.manifest)) {
			got := c.compare(t, row, filepath.Join(root, part.configs), filepath.Join(root, part.dumps))
			why := explained[row["file"]]
			switch {
			case got == "" && why != "":
				t.Errorf("%s no longer differs: remove it from the list", row["file"])
			case got != "" && why == "":
				t.Errorf("%s: %s", row["file"], got)
			}
			if got != "" {
				fmt.Fprintf(&report, "%s: %s\n%s\n", row["file"], why, got)
			}
		}
	}
	fmt.Fprintf(&report, "%d files, %d lines of values, %d files differ\n", c.files, c.lines, c.different)
	t.Log(report.String()[strings.LastIndexByte(strings.TrimSuffix(report.String(), "\n"), '\n')+1:])
	if to := os.Getenv("HOLDFAST_CORPUS_REPORT"); to != "" {
		if err := os.WriteFile(to, []byte(report.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// manifest reads a table with a header.
func manifest(t *testing.T, name string) (rows []map[string]string) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = '\t', true, -1
	all, err := r.ReadAll()
	if err != nil || len(all) < 2 {
		t.Fatalf("%s: %v", name, err)
	}
	for _, fields := range all[1:] {
		row := map[string]string{}
		for i, field := range fields[:min(len(fields), len(all[0]))] {
			row[all[0][i]] = field
		}
		rows = append(rows, row)
	}
	return rows
}

// compare reads one file and says how it differs.
func (c *corpus) compare(t *testing.T, row map[string]string, configs, dumps string) string {
	t.Helper()
	dir, err := filepath.Abs(configs)
	if err != nil {
		t.Fatal(err)
	}
	env := corpusMachine(row["interfaces_made"])
	o := syntax.Options{Source: syntax.NewSource(os.DirFS("/"), dir, nil), ConfigID: env.Hostname}
	r := config.Load(row["file"], o, config.Test, env)
	c.files++
	var differs []string
	got, want := fmt.Sprint(diag.ExitStatus(r.Problems)), row["exit_2.4.3"]
	refused := got != "0" && (want == "137" || want == "139") // keepalived hangs or crashes
	if got != want && !refused {
		differs = append(differs, fmt.Sprintf("status %s, want %s", got, want))
	}
	dump, err := os.ReadFile(filepath.Join(dumps, strings.TrimSuffix(row["file"], ".conf")+".dump"))
	if err == nil {
		have, need := values(r.DumpData()), values(string(dump))
		c.lines += len(need)
		if !slices.Equal(have, need) {
			differs = append(differs, "values (-keepalived's +ours):\n"+cmp.Diff(need, have))
		}
	}
	if len(differs) > 0 {
		c.different++
	}
	return strings.Join(differs, "; ")
}

// values are the lines of a dump that a file decides.
func values(dump string) (lines []string) {
	for line := range strings.Lines(dump) {
		if line = strings.TrimRight(line, " \r\n"); line != "" && !volatile.MatchString(line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// corpusMachine is this machine with the interfaces that a corpus was read
// with: the N-th of them is the outer end of a veth pair and has 198.18.N.1.
func corpusMachine(interfaces string) *config.Env {
	env := host.Env()
	env.Hostname = "vm"
	names := strings.FieldsFunc(interfaces, func(r rune) bool { return r == ' ' || r == ',' || r == '-' && interfaces == "-" })
	if interfaces == "" {
		names = []string{"eth0", "eth1"}
	}
	env.Link = func(name string) (config.Link, bool) {
		n := slices.Index(names, name) + 1
		l := config.Link{Index: 2*n + 1, Loopback: name == "lo"}
		if n > 0 {
			l.Addr4 = netip.AddrFrom4([4]byte{198, 18, byte(n), 1})
			l.LinkLocal = netip.MustParseAddr(fmt.Sprintf("fe80::ff:fe00:%x", n))
		}
		return l, n > 0 || name == "lo"
	}
	env.Namespace = func(string) (func(string) (config.Link, bool), bool) { return nil, false }
	return env
}
