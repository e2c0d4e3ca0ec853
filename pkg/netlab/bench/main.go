// Command bench measures holdfast beside the distribution's keepalived, turn about, on
// the same kernel and in fresh networks, and prints medians and ratios.
//
//	bench [-runs N] [-quick] [-match REGEXP] [config] [ipvs] [checks] [vrrp]
//
// Without names it measures everything. HOLDFAST_BIN names the daemon. Only ratios of one
// run mean something, and only on a machine that does nothing else.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

// group is a set of measurements on one kind of kernel.
type group struct {
	name    string
	run     func(main func() int) int
	measure func(*bench)
}

var groups = []group{
	{"config", func(main func() int) int { return main() }, measureConfig},
	{"ipvs", netlab.Run, measureIPVS},
	{"checks", netlab.Run, measureChecks},
	{"vrrp", netlab.RunNative, measureVRRP},
}

func main() { os.Exit(run()) }

func run() int {
	runs := flag.Int("runs", 5, "runs of each measurement")
	quick := flag.Bool("quick", false, "leave out the largest sizes")
	match := flag.String("match", "", "only measurements whose title matches this")
	flag.Parse()
	titles, err := regexp.Compile(*match)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	}
	if flag.NArg() == 1 {
		return one(flag.Arg(0), bench{runs: *runs, quick: *quick, titles: titles})
	}
	names := flag.Args()
	if len(names) == 0 {
		for _, g := range groups {
			names = append(names, g.name)
		}
	}
	status := 0
	for _, name := range names {
		cmd := exec.Command("/proc/self/exe", fmt.Sprintf("-runs=%d", *runs), fmt.Sprintf("-quick=%t", *quick), "-match="+*match, name)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			status = 1
		}
	}
	return status
}

// one measures one group, on its kind of kernel.
func one(name string, b bench) int {
	i := slices.IndexFunc(groups, func(g group) bool { return g.name == name })
	if i < 0 {
		fmt.Fprintln(os.Stderr, "bench: no measurements called", name)
		return 2
	}
	return groups[i].run(func() int {
		b.Log = func(text string) { fmt.Println(text) }
		fmt.Printf("\n%s (medians of %d and, behind them, the worst; ratio of the medians: keepalived / holdfast, above 1 is better)\n\n", name, b.runs)
		return b.Do(func() { groups[i].measure(&b) })
	})
}

// bench is one run of a group.
type bench struct {
	netlab.Program
	runs   int
	quick  bool
	titles *regexp.Regexp
	phase  float64 // of the run: 0 for the first, nearly 1 for the last
}

// contestants are the daemons, the reference first.
func (b *bench) contestants() []string {
	return []string{netlab.Keepalived, netlab.Holdfast(b)}
}

// figures are one run's results, by what was measured.
type figures map[string]float64

// compare runs a measurement with both daemons, turn about, and prints a line for each of
// its figures. The unit is part of a figure's name.
func (b *bench) compare(title string, runs int, measure func(bin string) figures) {
	if !b.titles.MatchString(title) {
		return
	}
	var all [2]map[string][]float64
	for i := range all {
		all[i] = map[string][]float64{}
	}
	var order []string
	for n := range runs {
		b.phase = float64(n) / float64(runs)
		for i, bin := range b.contestants() {
			for name, value := range b.isolated(title, bin, func() figures { return measure(bin) }) {
				if !slices.Contains(order, name) {
					order = append(order, name)
				}
				all[i][name] = append(all[i][name], value)
			}
		}
	}
	slices.Sort(order)
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "%s\tkeepalived\t\tholdfast\t\tratio\n", title)
	for _, name := range order {
		ref, ours := all[0][name], all[1][name]
		ratio := "-"
		if len(ref) > 0 && len(ours) > 0 && median(ours) > 0 {
			ratio = fmt.Sprintf("%.2f", median(ref)/median(ours))
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%s\n", name,
			middle(ref), worst(ref), middle(ours), worst(ours), ratio)
	}
	w.Flush()
	fmt.Println()
}

// isolated runs one measurement and undoes what it made. One that fails has no figures.
func (b *bench) isolated(title, bin string, measure func() figures) (out figures) {
	inner := &bench{runs: b.runs, quick: b.quick, titles: b.titles, phase: b.phase}
	inner.Log = b.Log
	saved := b.Program
	b.Program = inner.Program
	status := b.Do(func() { out = measure() })
	b.Program = saved
	if status != 0 {
		b.Errorf("%s: a run of %s failed, and does not count", title, bin)
		return nil
	}
	return out
}

func median(values []float64) float64 {
	s := slices.SortedFunc(slices.Values(values), cmp.Compare)
	return s[len(s)/2]
}

// middle is the median for people; without a run there is none.
func middle(values []float64) string {
	if len(values) == 0 {
		return "-"
	}
	return number(median(values))
}

// worst is the largest of several values.
func worst(values []float64) string {
	if len(values) < 2 {
		return ""
	}
	return "(" + number(slices.Max(values)) + ")"
}

func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.4f", v)
	}
}

// took is the time in seconds until cond holds. What is awaited may need the only
// processor there is, so looking takes at most a fifth of it.
func (b *bench) took(what string, within time.Duration, cond func() bool) float64 {
	begun := time.Now()
	for time.Since(begun) < within {
		looked := time.Now()
		if cond() {
			return time.Since(begun).Seconds()
		}
		time.Sleep(max(4*time.Since(looked), 5*time.Millisecond))
	}
	b.Fatalf("%s: not within %v", what, within)
	return 0
}

func times(n int, f func(i int) string) string {
	var s strings.Builder
	for i := range n {
		s.WriteString(f(i))
	}
	return s.String()
}
