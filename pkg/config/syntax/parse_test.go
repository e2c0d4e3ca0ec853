package syntax

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/holdfast-lb/holdfast/pkg/config/diag"
)

// show writes the lines as text: words joined by blanks, quoted where a blank
// or nothing is in them; lines joined by "; ".
func show(t *Tree) string {
	var out []string
	for _, l := range t.Lines.All() {
		switch l.Kind {
		case Open:
			out = append(out, "{")
		case Close:
			out = append(out, "}")
		default:
			var words []string
			for _, w := range l.Words {
				if w.Text == "" || strings.ContainsAny(w.Text, " {}") {
					words = append(words, `"`+w.Text+`"`)
				} else {
					words = append(words, w.Text)
				}
			}
			out = append(out, strings.Join(words, " "))
		}
	}
	return strings.Join(out, "; ")
}

func ids(problems []diag.Problem) string {
	var out []string
	for _, p := range problems {
		out = append(out, p.ID)
	}
	return strings.Join(out, " ")
}

func parseText(text string) (*Tree, []diag.Problem) {
	return Parse("t.conf", Options{Source: Text("t.conf", text), ConfigID: "me"})
}

// TestLanguage holds what was observed of keepalived, one sample each.
func TestLanguage(t *testing.T) {
	long := strings.Repeat("a", 1022)
	for _, tt := range []struct{ name, in, want, ids string }{
		// comments and words
		{"empty", "", "", ""},
		{"last line without newline", "a b", "a b", ""},
		{"comment in a word", "a abc#def g", "a abc", ""},
		{"exclamation mark in a word", "a abc!def g", "a abc", ""},
		{"escaped marks", `a abc\#def x\!y # z`, "a abc#def x!y", ""},
		{"mark in quotes", `a "b#c!d" e`, `a b#c!d e`, ""},
		{"odd quote in a comment", `a # say "hello`, "a", ""},
		{"CR LF", "a b\r\nc\r\n", "a b; c", ""},
		{"CR alone is a blank", "a\rb\fc\vd", "a b c d", "cr-line-ends"},
		{"no escapes outside commands", `a b\\c \x "d\n"`, `a b\\c \x d\n`, ""},
		{"quotes start a word", `a abc"d e"f`, `a abc "d e" f`, ""},
		{"single quotes are plain", `a 'b c'`, `a 'b c'`, ""},
		{"empty quotes", `a "" b`, `a "" b`, ""},
		{"quote without partner", "a b \"c d\ne", "a b; e", "unterminated-quote"},
		{"quote without partner hides braces", "a { b \"c } d\ne", "a; {; b; e", "unterminated-quote"},
		{"no continuation", "priority \\\n100", `priority\; 100`, ""},
		{"backslashes at the end", `a \ \` + "\n" + `b   \\` + "\n" + `"c d" \` + "\n\\", `a \\; b \\; "c d" \; \`, ""},
		{"glued to a name", "$A=x\n$A \\\n${A} \\ # c", `$A\; x\`, ""},
		// braces
		{"glued brace", "VI{\na}b", "VI; {; a; }; b", ""},
		{"one line", "a { b c } d", "a; {; b c; }; d", ""},
		{"brace on the next line", "a\n{\n}", "a; {; }", ""},
		{"braces in quotes", `a "{ b }" {`, `a "{ b }"; {`, ""},
		{"a quoted brace alone", "a\n\"{\"\n\"}\"", "a; {; }", ""},
		// limits
		{"longest line", long + "\nb", long + "; b", ""},
		{"too long by one", long + "x\nb", "b", "line-too-long"},
		{"rest of a long line", long + "xyz {\nb", "yz; {; b", "line-too-long"},
		{"NUL", "a\nb\x00 c\nd", "a; d", "nul-byte"},
		{"byte order mark", "\ufeffa b\n", "\ufeffa b", "byte-order-mark"},
		{"no-break space", "a\u00a0b c\u00a0d\n", "a\u00a0b c\u00a0d", "lookalike-character"},
		// conditions
		{"condition holds", "@me a b", "a b", ""},
		{"condition fails", "@other a {\nb", "b", ""},
		{"not", "@^other a\n@^me b", "a", ""},
		{"tab", "@me\ta", "a", ""},
		{"nothing behind", "@me\n@\n@me # c\na", "a", ""},
		{"no stacking", "@me @me a", "@me a", ""},
		{"odd ids", "@ priority 1\n@^ priority 2\n@@x y", "priority 2", ""},
		{"brace ends no id", "@me{ a", "", ""},
		{"behind a brace", "a { @me b\n} @other c", "a; {; b; }", ""},
		// definitions
		{"plain", "$P=90\npriority $P", "priority 90", ""},
		{"blank before =", "$P = 90\na $P", "$P = 90; a $P", "undefined-name undefined-name"},
		{"blank behind =", "$P= 90 \na x${P}y", "a x90y", ""},
		{"bad names", "$1X=5\n$A-B=6\n$ = 7", "$1X=5; $A-B=6; $ = 7", ""},
		{"next character", "$N=foo\na $N,x $N)x $N.x $N/x \"$N\" a\\$N", `a foo,x foo)x $N.x $N/x $N a\foo`, ""},
		{"inside quotes", "$N=foo\na \"x $N y\"", `a "x foo y"`, ""},
		{"neighbours", "$A=1\n$B=2\n${A}${B} $A$B", "12 $A2", ""},
		{"looked up late", "$M=a${N}b\n$N=foo\nrouter_id $M", "router_id afoob", ""},
		{"defined again", "$A=1\na $A\n$A=2\na $A", "a 1; a 2", ""},
		{"undefined", "a $NOPE $ $1", "a $NOPE $ $1", "undefined-name"},
		{"undefined in braces is cut", "a ${NO} b", "a $; {; NO; }; b", "undefined-name"},
		{"undefined in a command", `a "echo $HOME ${X}"`, `a "echo $HOME ${X}"`, ""},
		{"empty", "$A=\na $A b\n$A\n$A c", "a b; c", ""},
		{"conditional definition", "@me $A=5\n@other $A=6\na $A", "a 5", ""},
		{"value with braces", "$A={ a }\nb $A", "b; {; a; }", ""},
		{"value with quotes", "$A=\"b c\"\na $A", `a "b c"`, ""},
		{"value becomes a condition", "$A=@other\n$B=@me\n$A a\n$B b\nc { $A d", "b; c; {", ""},
		{"value becomes a definition", "$N=H\n$${N}=5\na $H", "a 5", ""},
		{"a comment in a value", `$C=x \# y` + "\na $C b\na \"${C}\"", `a x b; a "x # y"`, ""},
		{"a value that is a comment", `$C=\#` + "\na $C b\n$C c", "a b; c", ""},
		{"quoted is no definition", "\"$A=5\"", "$A=5", ""},
		{"behind a brace", "} $A=5\na $A\n{ $B=6\na $B", "}; a 5; {; a 6", ""},
		{"recursion", "$A=$B\n$B=$A\npriority $A", "priority $A", "definition-recursive"},
		{"recursion that grows", "$A=x${A}${A}\npriority $A", "priority $A", "definition-recursive"},
		// multi-line definitions
		{"lines", "$B= \\\n aa 1 \\\n bb\n$B\nc", "aa 1; bb; c", ""},
		{"text in front", "$B=\\\naa\\\nbb\nx${B}\ny $B", "xaa; bb; y aa; bb", ""},
		{"comment behind the backslash", "$B= \\\naa \\ # c\n \\\nbb # e\n$B", "aa; bb", ""},
		{"a comment alone ends it", "$B= \\\naa \\\n # c \\\nbb\n$B", "bb; aa", ""},
		{"a backslash in a comment does not count", "$B= \\\naa # c \\\nbb\n$B", "bb; aa", ""},
		{"a blank line ends it", "$B= \\\n aa \\\n\nbb\n$B", "bb; aa", ""},
		{"not in the middle", "$B=\\\naa\\\nbb\nx $B y", "x $B y", "definition-inside-line"},
		{"blocks", "$B= \\\n vrrp_instance $N { \\\n state $S \\\n }\n$N=V\n$S=MASTER\n$B", "vrrp_instance V; {; state MASTER; }", ""},
		{"nested", "$A=\\\na1\\\na2\n$B=\\\nb1\\\n$A\\\nb2\n$B", "b1; a1; a2; b2", ""},
		{"definitions within", "$B=\\\n$X=1\\\nx${X}\n$B", "x1", ""},
		{"conditions within", "$B=\\\n@me a\\\n@other b\n$B", "a", ""},
		{"behind a brace", "$B=\\\na1\\\na2\nfoo { $B\n}", "foo; {; a1; a2; }", ""},
		{"recursion over lines", "$B=\\\na\\\n$B\n$B", strings.TrimSuffix(strings.Repeat("a; ", 65), "; "), "definition-recursive"},
		// generators
		{"to n", "~SEQ(i,3) x$i", "x1; x2; x3", ""},
		{"to -n", "~SEQ(i,-2) x$i", "x-1; x-2", ""},
		{"down", "~SEQ(i,3,1) x$i", "x3; x2; x1", ""},
		{"step", "~SEQ(i, 10, 10, 30) x$i", "x10; x20; x30", ""},
		{"negative step", "~SEQ(i,10,-4,1) x$i", "x10; x6; x2", ""},
		{"hexadecimal", "~SEQx(i, 9, 11) fe80::$i", "fe80::9; fe80::a; fe80::b", ""},
		{"bounds by name", "$N=2\n~SEQ(i,$N) x$i", "x1; x2", ""},
		{"list", "~LST(v,a,,b) x${v}y", "xay; xy; xby", ""},
		{"list of several", "~LST({a,b}, {1,eth0}, {2}) x${a} dev ${b}.", "x1 dev eth0.; x2 dev .", ""},
		{"several generators", "~SEQ(i,2) ~LST(j,a,b) x${i}${j}", "x1a; x1b; x2a; x2b", ""},
		{"whole blocks", "$I=\\\nv V${n} {\\\n}\n~SEQ(n,5,6) $I", "v V5; {; }; v V6; {; }", ""},
		{"in a block", "a { ~SEQ(i,2) x${i}\n}", "a; {; x1; x2; }", ""},
		{"closing brace is repeated too", "a { ~SEQ(i,2) x${i} }", "a; {; x1; }; x2; }", ""},
		{"variable stays", "~SEQ(i,2) x${i}\ny$i", "x1; x2; y2", ""},
		{"name only", "~SEQ(i) x$i\na", "a", "bad-generator"},
		{"wrong way", "~SEQ(i,1,1,-3) x\n~SEQ(i,1,0,3) x\n~SEQx(i,-3) x", "", "bad-generator bad-generator bad-generator"},
		{"no numbers", "~SEQ(i,a,b) x\n~SEQ(i,1,2 x\n~SEQ y", "", "bad-generator bad-generator bad-generator"},
		{"bad lists", "~LST(i) x\n~LST(a,{1,x}) y\n~LST({a,{1}) z\n~LST(a,b c) w", "", "bad-generator bad-generator bad-generator bad-generator"},
		{"not at the start", "a ~SEQ(i,2) x", "a ~SEQ(i,2) x", ""},
		{"far too many", "~SEQ(i,1,2000000000) x", "", "too-many-lines"},
		// predefined names
		{"hash starts a comment", "a x${_HASH}y", "a x", ""},
		{"hash in quotes", `a "x${_HASH}y${_BANG}"`, "a x#y!", ""},
		{"instance", "a $_INSTANCE ${_INSTANCE}x", "a me mex", ""},
		{"directory", "a ${_PWD}x", "a /x", ""},
		{"one's own wins", "$_INSTANCE=zz\na $_INSTANCE", "a zz", ""},
		{"random", "a ${_RANDOM 5 5} ${_RANDOM 0}", "a 5 0", ""},
		{"random refuses letters", "a ${_RANDOM x}", "a $; {; _RANDOM x; }", ""},
		{"environment without a name", "a ${_ENV}", "a $; {; _ENV; }", "undefined-name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := Options{Source: Text("t.conf", tt.in), ConfigID: "me"}
			if tt.name == "far too many" {
				o.MaxLines = 1000
			}
			tree, problems := Parse("t.conf", o)
			got := show(tree)
			if tt.name == "far too many" {
				got = ""
			}
			if got != tt.want {
				t.Errorf("%q\n got %s\nwant %s", tt.in, got, tt.want)
			}
			if got := ids(problems); got != tt.ids {
				t.Errorf("%q: problems %q, want %q", tt.in, got, tt.ids)
			}
		})
	}
}

// etc is a source with these files in /etc; "+x" at the end of a name makes the
// file executable, "/" a directory.
func etc(content map[string]string) *Source {
	fsys := fstest.MapFS{}
	for name, text := range content {
		f := &fstest.MapFile{Data: []byte(text), Mode: 0o644}
		if n, ok := strings.CutSuffix(name, "+x"); ok {
			name, f.Mode = n, 0o755
		}
		if n, ok := strings.CutSuffix(name, "/"); ok {
			name, f.Mode = n, fs.ModeDir|0o755
		}
		fsys["etc/"+name] = f
	}
	return NewSource(fsys, "/etc", func(name string) (string, bool) { return "val ue", name == "X" })
}

func TestInclude(t *testing.T) {
	for _, tt := range []struct {
		name, in, want, ids string
		class               diag.Class
	}{
		{"plain", "include a.conf", "a", "", 0},
		{"with a comment", "include a.conf # x", "a", "", 0},
		{"in a block", "x {\ninclude a.conf\n}", "x; {; a; }", "", 0},
		{"the rest of the line is the name", "x { include a.conf }\ny", "x; {; y", "include-missing", 0},
		{"quotes are part of the name", `include "a.conf"`, "", "include-missing", 0},
		{"blanks are part of the name", "include b c.conf", "bc", "", 0},
		{"wildcard, sorted", "include [ab].conf", "a; b", "", 0},
		{"hidden files need a dot", "include *.conf", "a; b; bc", "", 0},
		{"brace list", "include {b,a}.conf", "b; a", "", 0},
		{"nested brace list", "include {a,{b,no}}.conf", "a; b", "include-missing", 0},
		{"relative to the including file", "include d/up.conf\nz", "a; z", "", 0},
		{"absolute", "include /etc/a.conf", "a", "", 0},
		{"by definition", "$F=include a.conf\n$F\n$G=b\ninclude ${G}.conf", "a; b", "", 0},
		{"conditional", "@me include a.conf\n@other include b.conf", "a", "", 0},
		{"directory of the file", "include d/pwd.conf\nx ${_PWD}", "p /etc/d; x /etc", "", 0},
		{"definitions reach in and out", "$N=1\ninclude def.conf\ny $M", "x 1; y 2", "", 0},
		{"an open block stays open", "include open.conf\na\n}", "o; {; a; }", "", 0},
		{"environment", "a ${_ENV X} \"${_ENV X}\" ${_ENV NO}", `a val ue "val ue"`, "", 0},
		{"without a name", "include\na", "include; a", "", 0},
		{"unknown variants", "includex a.conf\nInclude a.conf", "includex a.conf; Include a.conf", "", 0},
		{"generated ones are read last first", "~LST(i,a,b) include ${i}.conf", "b; a", "", 0},
		{"itself", "a\ninclude main.conf\nb", "a; b", "include-recursive", diag.Config},
		{"itself by way of another", "a\ninclude back.conf\nb", "a; b", "include-recursive", diag.Config},
		{"one file twice", "include a.conf\ninclude a.conf", "a; a", "", 0},

		{"missing", "include no.conf", "", "include-missing", 0},
		{"missing, r", "includer no.conf", "", "include-missing", 0},
		{"missing, m", "includem no.conf", "", "include-missing", diag.Include},
		{"missing, a", "includea no.conf", "", "include-missing", diag.Include},
		{"no match", "include no*.conf", "", "include-no-match", 0},
		{"no match, m", "includem no*.conf", "", "include-no-match", 0},
		{"no match, w", "includew no*.conf", "", "include-no-match", diag.Include},
		{"part missing", "include {a,no}.conf", "a", "include-missing", 0},
		{"part missing, b", "includeb {a,no}.conf", "", "include-missing", diag.Include},
		{"part matches nothing, a", "includea {a,no*}.conf", "a", "", 0},
		{"executable", "include x.conf", "", "include-executable", 0},
		{"executable, r", "includer x.conf", "", "include-executable", diag.Include},
		{"directory", "include d", "", "include-directory", 0},
		{"directory, r", "includer d", "", "include-directory", diag.Include},
		{"include_check", "include_check\ninclude no.conf", "include_check", "include-missing", diag.Include},
		{"include_check of something else", "include_check read\ninclude no.conf", "include_check read", "include-missing", 0},
		{"include_check adding", "include_check read\ninclude_check +match\ninclude no.conf", "include_check read; include_check +match", "include-missing", diag.Include},
		{"include_check taking away", "include_check\ninclude_check -match -brace_match\ninclude no.conf", "include_check; include_check -match -brace_match", "include-missing", 0},
		{"far too many names", "include {a,b}" + strings.Repeat("{a,b}", 20), "", "include-too-many-names", diag.Config},
	} {
		t.Run(tt.name, func(t *testing.T) {
			source := etc(map[string]string{
				"main.conf": tt.in, "a.conf": "a\n", "b.conf": "b", "b c.conf": "bc", ".h.conf": "h", "x.conf+x": "x",
				"open.conf": "o {\n", "def.conf": "x $N\n$M=2", "back.conf": "include main.conf\n",
				"d/up.conf": "include ../a.conf", "d/pwd.conf": "p $_PWD",
			})
			if tt.name == "hidden files need a dot" {
				source = etc(map[string]string{"main.conf": tt.in + "\n", "a.conf": "a", "b.conf": "b", "c.conf": "bc", ".h.conf": "h"})
				source.Add("main.conf", "include [a-c].conf")
			}
			options := Options{Source: source, ConfigID: "me"}
			tree, problems := Parse("main.conf", options)
			if got := show(tree); got != tt.want {
				t.Errorf("%q\n got %s\nwant %s", tt.in, got, tt.want)
			}
			if got := ids(problems); got != tt.ids {
				t.Errorf("%q: problems %q, want %q", tt.in, got, tt.ids)
			}
			for _, p := range problems {
				if p.Class != tt.class {
					t.Errorf("%q: %s has class %v, want %v", tt.in, p.ID, p.Class, tt.class)
				}
			}
			sameFromArchive(t, tree, options)
		})
	}
}

// sameFromArchive proves that another process reads the same tree out of the
// bytes that were read here.
func sameFromArchive(t *testing.T, want *Tree, o Options) {
	t.Helper()
	var archive strings.Builder
	err := o.Source.Save(&archive)
	if err != nil {
		t.Fatal(err)
	}
	if o.Source, err = Saved(archive.String()); err != nil {
		t.Fatal(err)
	}
	got, _ := Parse("main.conf", o)
	if show(got) != show(want) {
		t.Errorf("from the archive\n got %s\nwant %s", show(got), show(want))
	}
	for i, l := range got.Lines.All() {
		if a, b := l.At.String(), want.Lines.Line(i).At.String(); a != b {
			t.Errorf("from the archive, line %d is at %s, want %s", i, a, b)
		}
	}
}

func TestNoMainFile(t *testing.T) {
	tree, problems := Parse("no.conf", Options{Source: etc(nil)})
	if len(tree.Files) != 0 || ids(problems) != "no-config-file" || diag.ExitStatus(problems) != 0 {
		t.Errorf("got %d files, problems %v", len(tree.Files), problems)
	}
}

// forbidden is a file system with one file that we may not open.
type forbidden struct{ fstest.MapFS }

func (forbidden) Open(string) (fs.File, error) { return nil, fs.ErrPermission }

func TestUnreadableMainFile(t *testing.T) {
	source := NewSource(forbidden{fstest.MapFS{"etc/secret.conf": {Data: []byte("x")}}}, "/etc", nil)
	_, problems := Parse("secret.conf", Options{Source: source})
	if ids(problems) != "no-config-file" || diag.ExitStatus(problems) != 4 {
		t.Errorf("exit status %d, problems %v", diag.ExitStatus(problems), problems)
	}
}

func TestDamagedArchive(t *testing.T) {
	source := etc(map[string]string{"main.conf": "include a*\nx ${_ENV X}", "a": "b"})
	Parse("main.conf", Options{Source: source})
	var archive strings.Builder
	if err := source.Save(&archive); err != nil {
		t.Fatal(err)
	}
	for n := range archive.Len() {
		if _, err := Saved(archive.String()[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are taken for a whole archive", n, archive.Len())
		}
	}
}

// TestSpans pins where words are said to stand: the marked text, in the file
// that was edited.
func TestSpans(t *testing.T) {
	for _, tt := range []struct{ name, in, word, at, note string }{
		{"typed", "a\n  b  cd # x", "cd", "t.conf:2:6 cd", ""},
		{"in quotes", `a "c d"`, "c d", "t.conf:1:4 c d", ""},
		{"behind an escape", `a \# cd`, "cd", "t.conf:1:6 cd", ""},
		{"with an escape", `a x\#y cd`, "x#y", "t.conf:1:3 x\\#y", ""},
		{"all from a definition", "$P=300\npriority $P", "300", "t.conf:1:4 300", "t.conf:2:10 used here"},
		{"a part from a definition", "$N=5\na 1.${N}.2", "1.5.2", "t.conf:2:3 1.${N}.2", "t.conf:1:1 $N is defined here"},
		{"behind a definition", "$N=5\na $N cd", "cd", "t.conf:2:6 cd", ""},
		{"a word of a value", "$N=5 cd\na $N", "cd", "t.conf:1:6 cd", "t.conf:2:3 used here"},
		{"in a multi-line definition", "$B=\\\n a\\\n  cd\n$B", "cd", "t.conf:3:3 cd", "t.conf:4:1 used here"},
		{"a definition in a definition", "$N=cd\n$M=$N\na $M", "cd", "t.conf:1:4 cd", "t.conf:2:4 used here"},
		{"generated", "~SEQ(i,4,4) a ${i}", "4", "t.conf:1:15 ${i}", "t.conf:1:1 $i is 4 here"},
		{"in generated text", "~SEQ(i,1) cd", "cd", "t.conf:1:11 cd", "t.conf:1:1 repeated by this ~SEQ"},
		{"from a list", "~LST(i,cd) a ${i}", "cd", "t.conf:1:8 cd", "t.conf:1:14 used here"},
		{"predefined", "a $_INSTANCE", "me", "t.conf:1:3 $_INSTANCE", ` $_INSTANCE is "me" here`},
		{"brace", "a {", "{", "t.conf:1:3 {", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tree, _ := parseText(tt.in)
			for _, l := range tree.Lines.All() {
				if l.Kind == Open {
					l.Words = []Word{{Text: "{", At: l.At, Via: l.Via}}
				}
				for _, w := range l.Words {
					if w.Text != tt.word {
						continue
					}
					if got := w.At.String() + " " + w.At.Text(); got != tt.at {
						t.Errorf("%q is at %s, want %s", w.Text, got, tt.at)
					}
					note := ""
					if notes := w.Via.Notes(); len(notes) > 0 {
						note = notes[0].At.String() + " " + notes[0].Text
					}
					if note != tt.note {
						t.Errorf("%q has the note %q, want %q", w.Text, note, tt.note)
					}
					return
				}
			}
			t.Errorf("no word %q in %s", tt.word, show(tree))
		})
	}
}
