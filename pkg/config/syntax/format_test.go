package syntax

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFormat(t *testing.T) {
	in := `! a comment
global_defs # settings
{
    # who
    router_id   "lb one"  # me
    # no more
} # done
@me vrrp_instance V{state BACKUP} } {
    "@x" "" 'a b'
    ~SEQ(i,2) 192.0.2.${i}
    unclosed { a
# end`
	want := `! a comment
global_defs { # settings
    # who
    router_id "lb one" # me
    # no more
} # done

vrrp_instance V {
    state BACKUP
}

}

{
    "@x" "" 'a b'
    192.0.2.1
    192.0.2.2
    unclosed {
        a
# end
`
	tree, _ := parseText(in)
	got := Format(tree.Nodes())
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	again, _ := parseText(got)
	if show(again) != show(tree) {
		t.Errorf("reads back as\n%s, want\n%s", show(again), show(tree))
	}
	if got := tree.Used; got != Conditions|Generators {
		t.Errorf("used %v", got)
	}
}

// TestFormatLong: lines that hardly fit a file are written so that they do.
func TestFormatLong(t *testing.T) {
	long := strings.Repeat("0123456789", 102) // 1020
	for name, text := range map[string]string{
		"as long as can be":   "a " + long + "\n",
		"a byte longer":       "$A=" + long[:500] + "\nk " + long[:521] + "${A}\n",
		"a block":             "a {\nk " + long + " {\nx\n}\n}\n",
		"a comment beside":    "k " + long[:900] + " z # " + long[:100] + "\n",
		"a comment deep down": "a {\nb {\nc {\n#" + long + "\n}\n}\n}\n",
		"escapes":             "k" + strings.Repeat(` a\#b`, 200) + "\n",
		"quotes side by side": "k" + strings.Repeat(`ab"c d"`, 145) + "\n",
		"a line deep down":    "a {\nb {\nc {\nk " + long[:1018] + " z\n}\n}\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			tree, _ := Parse("t.conf", Options{Source: Text("t.conf", text)})
			printed := Format(tree.Nodes())
			for line := range strings.Lines(printed) {
				if len(line) > maxLine {
					t.Errorf("a line of %d bytes: %q", len(line), line)
				}
			}
			again, problems := Parse("t.conf", Options{Source: Text("t.conf", printed)})
			if a, b := show(tree), show(again); a != b {
				t.Errorf("\n%s\nprinted\n%s\nis\n%s", a, printed, b)
			}
			if len(problems) > 0 || len(again.Comments) != len(tree.Comments) {
				t.Errorf("%d comments became %d; %v", len(tree.Comments), len(again.Comments), problems)
			}
		})
	}
}

// FuzzFormat: what is printed reads back as the same lines with as many comments.
func FuzzFormat(f *testing.F) {
	f.Add("a { b \"c d\" } } e #x\n{ {\n#y\nf\\#g !z\n")
	f.Add("$A=x {\nq $A\n@me $A\n~SEQ(i,3) y$i\n")
	f.Add("}00 0!\x00")
	f.Add("\"0\"\\")
	f.Add("\x80\n@!\x00")
	f.Fuzz(func(t *testing.T, text string) {
		tree, _ := Parse("t.conf", Options{Source: Text("t.conf", text), ConfigID: "me", MaxLines: 1000})
		for _, l := range tree.Lines.All() {
			for _, w := range l.Words {
				if strings.Contains(w.Text, "$") {
					t.Skip("may be replaced the second time")
				}
			}
		}
		printed := Format(tree.Nodes())
		for line := range strings.Lines(printed) {
			if len(line) > maxLine {
				t.Fatalf("a line of %d bytes: %q", len(line), line)
			}
		}
		again, _ := Parse("t.conf", Options{Source: Text("t.conf", printed), ConfigID: "me"})
		if a, b := show(tree), show(again); a != b {
			t.Fatalf("%q is\n%s\nprinted\n%s\nis\n%s", text, a, printed, b)
		}
		if len(again.Comments) != len(tree.Comments) {
			t.Errorf("%d comments became %d in\n%s", len(tree.Comments), len(again.Comments), printed)
		}
	})
}
