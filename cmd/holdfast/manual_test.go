package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/golden"
)

func TestManual(t *testing.T) {
	const path = "../../docs/man/holdfast.8"
	golden.Assert(t, manual(), "../"+path, "make docs writes it anew")
	if man, err := exec.LookPath("mandoc"); err == nil {
		if out, err := exec.Command(man, "-T", "lint", "-W", "error", path).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
}

// What a command's help tells is what it takes.
func TestUsageIsComplete(t *testing.T) {
	for _, c := range commands() {
		if !slices.Contains([]string{"check", "convert", "explain"}, c.name) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			old := os.Stderr
			os.Stderr = w
			c.run([]string{"-h"})
			os.Stderr = old
			w.Close()
			help := make([]byte, 64<<10)
			n, _ := r.Read(help)
			r.Close()
			flags := regexp.MustCompile(`(?m)^  -([a-z-]+)`).FindAllStringSubmatch(string(help[:n]), -1)
			if len(flags) == 0 {
				t.Fatalf("no flags in %q", help[:n])
			}
			for _, f := range flags {
				if name := strings.Repeat("-", min(len(f[1]), 2)) + f[1]; !regexp.MustCompile(regexp.QuoteMeta(name) + `\b`).MatchString(c.usage) {
					t.Errorf("%s is not in the usage: %s", name, c.usage)
				}
			}
		})
	}
}
