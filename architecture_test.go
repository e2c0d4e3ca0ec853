package holdfast_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/holdfast-lb/holdfast"

// room is one package of the house: which of the others it may import, and whether it is
// pure. A pure room imports no socket, no netlink, no clock, no logger and no file
// system; it takes the time as an argument and returns values.
type room struct {
	imports []string // our packages, without the module's path
	pure    bool
	uses    []string // modules of others that a pure room may import
}

// rooms is the plan of docs/architecture.md. A new package gets its line here first.
var rooms = map[string]room{
	"": {pure: true},

	"pkg/config/diag":       {pure: true},
	"pkg/config/syntax":     {pure: true, imports: []string{"pkg/config/diag"}},
	"pkg/config":            {pure: true, imports: []string{"pkg/config/diag", "pkg/config/syntax"}, uses: []string{"github.com/BurntSushi/toml"}},
	"pkg/config/convert":    {pure: true, imports: []string{"pkg/config", "pkg/config/diag", "pkg/config/syntax"}, uses: []string{"github.com/BurntSushi/toml"}},
	"pkg/config/lint":       {pure: true, imports: []string{"pkg/config", "pkg/config/diag", "pkg/config/syntax"}},
	"pkg/config/reference":  {pure: true, imports: []string{"pkg/config", "pkg/config/convert", "pkg/config/lint", "pkg/config/diag"}},
	"pkg/config/configtest": {},
	"pkg/config/host":       {imports: []string{"pkg/config", "pkg/osthread", "healthcheck", "healthcheck/dialogue"}},

	"pkg/reconcile": {pure: true},

	"ipvs":          {pure: true, imports: []string{"pkg/reconcile"}},
	"ipvs/kernel":   {imports: []string{"ipvs", "pkg/reconcile"}},
	"ipvs/ipvstest": {imports: []string{"ipvs", "pkg/reconcile", "pkg/netlab"}},

	"vrrp":        {pure: true},
	"vrrp/packet": {pure: true},
	"vrrp/link":   {imports: []string{"vrrp/packet"}},
	"vrrp/sim":    {imports: []string{"vrrp", "vrrp/packet"}},

	"healthcheck": {pure: true},
	"healthcheck/dialogue": {pure: true, imports: []string{"healthcheck"}, uses: []string{
		"github.com/dlclark/regexp2", "golang.org/x/net/dns/dnsmessage", "golang.org/x/net/http2/hpack",
	}},
	"healthcheck/probe":   {imports: []string{"healthcheck", "healthcheck/dialogue", "pkg/script"}},
	"healthcheck/genhash": {imports: []string{"healthcheck", "healthcheck/dialogue", "healthcheck/probe"}},

	"pkg/netstate":        {pure: true, imports: []string{"pkg/reconcile"}},
	"pkg/netstate/kernel": {imports: []string{"pkg/netstate", "pkg/reconcile"}},
	"pkg/firewall":        {imports: []string{"pkg/reconcile", "pkg/netstate"}},

	"pkg/osthread": {},
	"pkg/script":   {},
	"pkg/dump":     {imports: []string{"pkg/config"}},
	"pkg/track":    {imports: []string{"pkg/osthread", "pkg/script", "pkg/netstate", "pkg/netstate/kernel"}},
	"pkg/notify":   {imports: []string{"pkg/script"}},

	"pkg/doctor":        {pure: true, imports: []string{"pkg/config"}},
	"pkg/doctor/kernel": {imports: []string{"pkg/doctor", "pkg/control"}},

	"pkg/realserver":        {pure: true},
	"pkg/realserver/kernel": {imports: []string{"pkg/realserver"}},

	"pkg/control": {},
	"pkg/logging": {},
	"pkg/observe": {imports: []string{"pkg/control"}},

	"pkg/router": {imports: []string{
		"pkg/config", "pkg/dump", "vrrp", "vrrp/packet", "vrrp/link", "pkg/netstate", "pkg/netstate/kernel",
		"pkg/firewall", "pkg/track", "pkg/notify", "pkg/script", "pkg/control", "pkg/logging", "pkg/reconcile",
		"ipvs", "ipvs/kernel", // the sync daemons follow an instance's state
	}},
	"pkg/director": {imports: []string{
		"pkg/config", "pkg/dump", "ipvs", "ipvs/kernel", "healthcheck", "healthcheck/dialogue", "healthcheck/probe", "pkg/notify", "pkg/track", "pkg/script",
		"pkg/control", "pkg/logging", "pkg/reconcile", "pkg/netstate", "pkg/netstate/kernel", "pkg/firewall",
	}},
	"pkg/bfd":    {imports: []string{"pkg/config", "pkg/dump", "pkg/control", "pkg/logging"}},
	"pkg/daemon": {imports: []string{"pkg/osthread", "pkg/config", "pkg/dump", "pkg/config/convert", "pkg/config/host", "pkg/config/diag", "pkg/config/syntax", "pkg/control", "pkg/script", "pkg/logging", "pkg/notify"}},

	"cmd/holdfast": {imports: []string{"*"}},

	"pkg/netlab":       {imports: []string{"pkg/osthread"}},
	"pkg/netlab/demo":  {imports: []string{"pkg/netlab"}},
	"pkg/netlab/bench": {imports: []string{"pkg/netlab"}},
}

// listed is what this test reads of "go list -json".
type listed struct {
	ImportPath, Dir  string
	Imports, GoFiles []string
}

func TestRooms(t *testing.T) {
	for _, pkg := range list(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(pkg.ImportPath, module), "/")
		if len(pkg.GoFiles) == 0 {
			continue // tests only
		}
		r, ok := rooms[name]
		if !ok {
			t.Errorf("package %s is not on the plan: add it to rooms and to docs/architecture.md", name)
			continue
		}
		for _, imp := range pkg.Imports {
			if err := r.allows(imp); err != nil {
				t.Errorf("package %s imports %s: %v", name, imp, err)
			}
		}
		if r.pure {
			noEffects(t, pkg)
		}
	}
}

func list(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var pkgs []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return pkgs
		case err != nil:
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

var (
	errPlan = errors.New("the plan does not allow it")
	errPure = errors.New("the package is pure")
)

// allows judges one import of the room.
func (r room) allows(imp string) error {
	if own, ok := strings.CutPrefix(imp, module+"/"); ok {
		if slices.Contains(r.imports, own) || slices.Contains(r.imports, "*") {
			return nil
		}
		return errPlan
	}
	if !r.pure {
		return nil
	}
	first, _, _ := strings.Cut(imp, "/")
	switch {
	case imp == "net/netip", imp == "net/url", // values and their text
		imp == "syscall": // only errors: see noEffects
		return nil
	case slices.Contains([]string{"net", "os", "syscall", "log", "unsafe"}, first):
		return errPure
	case strings.Contains(first, ".") && !slices.Contains(r.uses, imp):
		return errPure
	}
	return nil
}

// noEffects reports uses of the clock and waiting, and of syscall more than its error
// numbers.
func noEffects(t *testing.T, pkg listed) {
	t.Helper()
	clock := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
	fset := token.NewFileSet()
	for _, name := range pkg.GoFiles {
		file, err := parser.ParseFile(fset, filepath.Join(pkg.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if ok && x.Name == "time" && slices.Contains(clock, sel.Sel.Name) ||
				ok && x.Name == "syscall" && !strings.HasPrefix(sel.Sel.Name, "E") {
				t.Errorf("%s: %s.%s in a pure package", fset.Position(n.Pos()), x.Name, sel.Sel.Name)
			}
			return true
		})
	}
}

// The rules must be able to fail.
func TestRules(t *testing.T) {
	pure := room{pure: true, imports: []string{"ipvs"}, uses: []string{"example.org/x"}}
	for _, tt := range []struct {
		imp  string
		want error
	}{
		{"net/netip", nil},
		{"net/url", nil},
		{"strings", nil},
		{"net", errPure},
		{"net/http", errPure},
		{"os/exec", errPure},
		{"go.uber.org/zap", errPure},
		{"example.org/x", nil},
		{module + "/ipvs", nil},
		{module + "/ipvs/kernel", errPlan},
	} {
		if got := pure.allows(tt.imp); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.imp, got, tt.want)
		}
	}
}
