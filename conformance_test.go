package holdfast

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that a table names as proof exists, with the case that is named.
func TestConformanceTables(t *testing.T) {
	t.Run("RFC 9568", func(t *testing.T) { proven(t, "docs/rfc9568.md", 40) })
	t.Run("health checks", func(t *testing.T) { proven(t, "docs/health-checks.md", 30) })
}

func proven(t *testing.T, file string, least int) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	proofs := regexp.MustCompile("`([a-z0-9/]+): (Test\\w+)(?:/([^`]+))?`").FindAllStringSubmatch(string(text), -1)
	if len(proofs) < least {
		t.Fatalf("only %d proofs found: has the table another form?", len(proofs))
	}
	sources := map[string]string{}
	for _, p := range proofs {
		dir, name, sub := p[1], p[2], p[3]
		if _, read := sources[dir]; !read {
			sources[dir] = testSources(t, dir)
		}
		body := sources[dir]
		switch {
		case !strings.Contains(body, "func "+name+"("):
			t.Errorf("%s has no test %s", dir, name)
		case sub != "" && !strings.Contains(body, `"`+sub+`"`):
			t.Errorf("%s: %s has no case %q", dir, name, sub)
		}
	}
	for _, link := range regexp.MustCompile(`\]\(([^)]+\.md)\)`).FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(filepath.Join("docs", link[1])); err != nil {
			t.Errorf("link to %s: %v", link[1], err)
		}
	}
}

// testSources is the text of all tests in a directory.
func testSources(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

// Every scenario of virtual routers is in docs/lab.md, and every test named there exists.
func TestLabTable(t *testing.T) {
	text, err := os.ReadFile("docs/lab.md")
	if err != nil {
		t.Fatal(err)
	}
	const dir = "pkg/netlab/labtest/vrrp"
	_, table, ok := strings.Cut(string(text), "### `"+dir+"`")
	if !ok {
		t.Fatal("docs/lab.md has no section about " + dir)
	}
	table, _, _ = strings.Cut(table, "\n### ")
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(table, -1) {
		named[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(t `).FindAllStringSubmatch(testSources(t, dir), -1) {
		if !named[m[1]] {
			t.Errorf("docs/lab.md does not tell of %s", m[1])
		}
		delete(named, m[1])
	}
	for name := range named {
		t.Errorf("docs/lab.md names %s, which does not exist", name)
	}
}
