package holdfast_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-lb/holdfast/pkg/config"
)

// pendingFields are the fields of the typed configuration that nobody acts on yet, each
// with the keyword that says so.
var pendingFields = map[string][]string{
	"Process.NamespaceIPSets":   {"namespace_with_ipsets"},
	"DBus.Enable":               {"enable_dbus"},
	"DBus.ServiceName":          {"dbus_service_name"},
	"DBus.NoInterfaceName":      {"dbus_no_interface_name"},
	"Global.ConfigSaveDir":      {"config_save_dir"},
	"Global.TmpConfigDirectory": {"tmp_config_directory"},
	"SNMP.Socket":               {"snmp_socket"},
	"SNMP.Traps":                {"enable_traps"},
	"SNMP.VRRP":                 {"enable_snmp_vrrp", "enable_snmp_keepalived"},
	"SNMP.RFCv2":                {"enable_snmp_rfcv2", "enable_snmp_rfc"},
	"SNMP.RFCv3":                {"enable_snmp_rfcv3", "enable_snmp_rfc"},
	"SNMP.Checkers":             {"enable_snmp_checker"},
	"SNMP.VSInterval":           {"snmp_vs_stats_update_interval"},
	"SNMP.RSInterval":           {"snmp_rs_stats_update_interval"},
	"FirewallGlobal.IPSets":     {"vrrp_ipsets"},
	"FirewallGlobal.IPSetNames": {"vrrp_ipsets"},
	"Instance.Debug":            {"debug"},
	"VirtualServer.SNMPName":    {"snmp_name"},
	"RealServer.SNMPName":       {"snmp_name"},
	"URL.RegexStack":            {"regex_stack"},
}

// settled are the fields that take effect within package config: they say how others,
// which the roles act on, are completed.
var settled = map[string]string{
	"Address.DevGiven":             "Address.Dev",
	"Address.UseVMAC":              "Address.VMACName",
	"BFDInstance.Reverse":          "Track.Reverse",
	"BFDInstance.Weight":           "Track.Weight",
	"CheckTLS.On":                  "Checker.TLS",
	"FirewallGlobal.IPSetsGiven":   "FirewallGlobal.IPTables",
	"FirewallGlobal.NFTables":      "FirewallGlobal.NFTable",
	"GARPTimers.LowerDelayGiven":   "GARPTimers.LowerPrioDelay",
	"GARPTimers.LowerRepeatGiven":  "GARPTimers.LowerPrioRepeat",
	"Global.CheckUnicastSrc":       "Instance.CheckUnicastSrc",
	"Global.CheckerLogFailures":    "Checker.LogAllFailures",
	"Global.DefaultInterface":      "Address.Dev",
	"Global.DownTimerAdverts":      "Instance.DownAdverts",
	"Global.DynamicInterfaces":     "Instance.Interface",
	"Global.GARP":                  "Instance.GARP",
	"Global.GARPExtraIf":           "Instance.GARPExtraIf",
	"Global.GARPExtraIfAll":        "Instance.GARPExtraIfAll",
	"Global.HigherPrioSendAdvert":  "Instance.HigherPrioSendAdvert",
	"Global.IPRouteEtcDir":         "Route.Table",
	"Global.IPRouteUsrDir":         "Route.Table",
	"Global.LowerPrioNoAdvert":     "Instance.LowerPrioNoAdvert",
	"Global.McastGroup4":           "Instance.McastDst",
	"Global.McastGroup6":           "Instance.McastDst",
	"Global.MinGARP":               "Instance.GARP",
	"Global.NotifyPriorityChanges": "Instance.NotifyPriorityChanges",
	"Global.OwnerIgnoreAdverts":    "Instance.OwnerIgnoreAdverts",
	"Global.SMTPAlertVRRP":         "Instance.SMTPAlert",
	"Global.ScriptGID":             "Command.GID",
	"Global.ScriptSecurity":        "Command.Argv",
	"Global.ScriptUID":             "Command.UID",
	"Global.SkipCheckAdvAddr":      "Instance.SkipCheckAdvAddr",
	"Global.Strict":                "Instance.Accept",
	"Global.UseSymlinkPaths":       "Command.Argv",
	"Global.V3ChecksumAsV2":        "Instance.V3ChecksumAsV2",
	"Global.VMACAddrPrefix":        "Address.VMACName",
	"Global.VMACPrefix":            "VMAC.Name",
	"Global.Version":               "Instance.Version",
	"Instance.AcceptGiven":         "Instance.Accept",
	"Instance.NoVIPs":              "Instance.VIPs",
	"Instance.Strict":              "Instance.Accept",
	"Instance.WantMaster":          "Instance.Priority",
	"Process.IPVSNamespaceSet":     "Process.NetNamespaceIPVS",
	"RealServer.Alpha":             "Checker.Alpha",
	"RealServer.Timing":            "Checker.DelayLoop",
	"Rule.FromGiven":               "Rule.From",
	"Rule.PreferenceGiven":         "Rule.Preference",
	"Rule.ToGiven":                 "Rule.To",
	"Timing.ConnectTimeout":        "Checker.ConnectTimeout",
	"Timing.DelayBeforeRetry":      "Checker.DelayBeforeRetry",
	"Timing.DelayLoop":             "Checker.DelayLoop",
	"Timing.Retry":                 "Checker.Retry",
	"Timing.Warmup":                "Checker.Warmup",
	"TrackFile.Reverse":            "Track.Reverse",
	"TrackFile.Weight":             "Track.Weight",
	"TrackProcess.Reverse":         "Track.Reverse",
	"TrackProcess.Weight":          "Track.Weight",
	"TrackScript.Reverse":          "Track.Reverse",
	"TrackScript.Weight":           "Track.Weight",
	"VirtualServer.Alpha":          "RealServer.Alpha",
	"VirtualServer.DefaultWeight":  "RealServer.Weight",
	"VirtualServer.Inhibit":        "RealServer.Inhibit",
	"VirtualServer.Timing":         "Checker.DelayLoop",
}

// told are the fields that state what the file says, for the dump and the checks of the
// configuration; nothing has to follow from them.
var told = map[string]string{
	"Global.DBus":                  "of which see the fields",
	"Global.SNMP":                  "of which see the fields",
	"FirewallGlobal.NFIfindex":     "interfaces are always matched by index",
	"Global.JSONDumpFile":          "the file keeps its name, as keepalived's does",
	"Global.StatsDumpFile":         "the file keeps its name, as keepalived's does",
	"Global.JSONVersion":           "how the JSON file is written",
	"RcvBuf.Force":                 "buffers are not held to the system's limit",
	"Global.DynamicAllowIfChanges": "an interface may always come back as another",
	"Global.ReloadCheckConfig":     "a reload is always checked first",
	"Mail.Addr":                    "the server is looked up for each mail",
	"Method.CsumGiven":             "how Csum was written",
	"Route.MetricGiven":            "how Metric was written",
	"Route.TableGiven":             "how Table was written",
	"Rule.FwMaskGiven":             "how FwMask was written",
	"SSL.CA":                       "no certificate is verified, as keepalived does",
	"SyncDaemon.IDGiven":           "how ID was written",
	"VirtualServer.Hashed":         "the kernel sets the flag of every service",
}

// Every field of the typed configuration is read by somebody who acts on it, or the
// keyword that sets it says that it has no effect yet.
func TestEveryFieldTakesEffect(t *testing.T) {
	prog := loadProgram(t)
	read := prog.fieldsRead(t)
	fields := prog.modelFields(t)
	for _, f := range fields {
		_, isPending := pendingFields[f]
		into, isSettled := settled[f]
		_, isTold := told[f]
		switch listed := isPending || isSettled || isTold; {
		case read[f] && listed:
			t.Errorf("config.%s is acted on now: take it off the list", f)
		case !read[f] && !listed:
			t.Errorf("nobody acts on config.%s: a keyword that sets it does nothing, and is to be Pending", f)
		case isSettled && !read[into] && settled[into] == "":
			t.Errorf("config.%s goes into %s, on which nobody acts", f, into)
		}
	}
	for _, list := range [][]string{slices.Collect(maps.Keys(pendingFields)), slices.Collect(maps.Keys(settled)), slices.Collect(maps.Keys(told))} {
		for _, f := range list {
			if !slices.Contains(fields, f) {
				t.Errorf("config.%s is on a list and does not exist", f)
			}
		}
	}
}

// The keywords that are not in effect are those whose fields nobody acts on.
func TestPendingKeywords(t *testing.T) {
	pending := map[string]bool{}
	config.Walk(func(_ string, k *config.Keyword) {
		if k.Pending {
			pending[k.Name] = true
		}
	})
	for f, names := range pendingFields {
		for _, name := range names {
			if !pending[name] {
				t.Errorf("%s sets config.%s, on which nobody acts, and is not Pending", name, f)
			}
		}
	}
	for name := range pending {
		if !slices.ContainsFunc(slices.Collect(maps.Values(pendingFields)), func(l []string) bool { return slices.Contains(l, name) }) {
			t.Errorf("%s is Pending, and no field says so", name)
		}
	}
}

// program is our packages as "go list" knows them, and an importer of the rest.
type program struct {
	own      []compiled
	fset     *token.FileSet
	importer types.Importer
}

type compiled struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

func loadProgram(t *testing.T) *program {
	t.Helper()
	out, err := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,GoFiles,Export", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{fset: token.NewFileSet()}
	export := map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var c compiled
		if err := dec.Decode(&c); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		export[c.ImportPath] = c.Export
		if strings.HasPrefix(c.ImportPath, module) {
			p.own = append(p.own, c)
		}
	}
	p.importer = importer.ForCompiler(p.fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(export[path]) })
	return p
}

// modelFields lists the exported fields of the structures in model*.go, but those that
// say where in a file something stands.
func (p *program) modelFields(t *testing.T) []string {
	t.Helper()
	pkg, err := p.importer.Import(module + "/pkg/config")
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	for _, name := range pkg.Scope().Names() {
		typ, ok := pkg.Scope().Lookup(name).(*types.TypeName)
		if !ok || !strings.HasPrefix(filepath.Base(p.fset.Position(typ.Pos()).Filename), "model") {
			continue
		}
		st, ok := typ.Type().Underlying().(*types.Struct)
		if !ok {
			continue
		}
		for f := range st.Fields() {
			if f.Exported() && !strings.HasSuffix(f.Type().String(), "diag.Span") {
				fields = append(fields, name+"."+f.Name())
			}
		}
	}
	if len(fields) < 300 {
		t.Fatalf("only %d fields found", len(fields))
	}
	return fields
}

// fieldsRead are the fields of the typed configuration that code outside of pkg/config
// reads, but to dump them.
func (p *program) fieldsRead(t *testing.T) map[string]bool {
	t.Helper()
	read := map[string]bool{}
	for _, c := range p.own {
		path := strings.TrimPrefix(c.ImportPath, module+"/")
		if path == "pkg/config" || strings.HasPrefix(path, "pkg/config/") {
			continue
		}
		var files []*ast.File
		for _, name := range c.GoFiles {
			if path == "pkg/router" && (name == "dump_data.go" || name == "dump_json.go") {
				continue
			}
			f, err := parser.ParseFile(p.fset, filepath.Join(c.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
		info := &types.Info{Selections: map[*ast.SelectorExpr]*types.Selection{}, Types: map[ast.Expr]types.TypeAndValue{}}
		tc := types.Config{Importer: p.importer, Error: func(error) {}} // what was left out is missing
		_, _ = tc.Check(c.ImportPath, p.fset, files, info)
		for _, f := range files {
			readIn(f, info, read)
		}
	}
	return read
}

// readIn adds the fields that a file reads: selected and not only assigned to, or all of
// a structure that is converted to another type.
func readIn(f *ast.File, info *types.Info, read map[string]bool) {
	assigned := map[ast.Expr]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				assigned[left] = n.Tok == token.ASSIGN
			}
		case *ast.SelectorExpr:
			if s := info.Selections[n]; s != nil && s.Kind() == types.FieldVal && !assigned[n] {
				selected(s, read)
			}
		case *ast.CallExpr:
			if len(n.Args) == 1 && info.Types[n.Fun].IsType() {
				converted(info.Types[n.Args[0]].Type, read)
			}
		}
		return true
	})
}

// selected notes a selection, and the embedded structures on its way.
func selected(s *types.Selection, read map[string]bool) {
	t := s.Recv()
	for _, i := range s.Index() {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		field := t.Underlying().(*types.Struct).Field(i)
		if name, ok := ofConfig(t); ok {
			read[name+"."+field.Name()] = true
		}
		t = field.Type()
	}
}

func converted(t types.Type, read map[string]bool) {
	name, ok := ofConfig(t)
	if !ok {
		return
	}
	if st, ok := t.Underlying().(*types.Struct); ok {
		for f := range st.Fields() {
			read[name+"."+f.Name()] = true
		}
	}
}

// ofConfig is the name of a type of package config.
func ofConfig(t types.Type) (string, bool) {
	n, ok := t.(*types.Named)
	if !ok || n.Obj().Pkg() == nil || n.Obj().Pkg().Path() != module+"/pkg/config" {
		return "", false
	}
	return n.Obj().Name(), true
}
