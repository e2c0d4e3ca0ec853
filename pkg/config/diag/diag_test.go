package diag

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// at marks the first occurrence of word in f.
func at(f *File, word string) Span {
	i := strings.Index(f.Text, word)
	return Span{f, int32(i), int32(i + len(word))}
}

func TestText(t *testing.T) {
	f := &File{Name: "k.conf", Text: "vrrp_instance V {\n\tpriority 300\r\n  interface\u00a0eth0 x\n" + strings.Repeat("ü ", 200) + "end\n\n\x00\x1b[31m"}
	for _, tt := range []struct {
		name string
		p    Problem
		want string
	}{
		{"hint", Problem{ID: "range", Severity: Error, At: at(f, "300"), Text: "priority must be 1 to 255, not 300", Hint: "255 is for\nthe address owner"}, `
k.conf:2:11: error: priority must be 1 to 255, not 300 [range]
    2 | 	priority 300
      | 	         ^^^
  help: 255 is for
        the address owner
`},
		{"note", Problem{ID: "x", Severity: Warning, At: at(f, "V"), Text: "no", Notes: []Note{{at(f, "{"), "opened here"}, {Span{}, "so there"}}}, `
k.conf:1:15: warning: no [x]
    1 | vrrp_instance V {
      |               ^
  note: k.conf:1:17: opened here
    1 | vrrp_instance V {
      |                 ^
  note: so there
`},
		{"what cannot be seen", Problem{ID: "x", At: at(f, "interface\u00a0eth0"), Text: "what is \x1b?"}, `
k.conf:3:3: info: what is ␛? [x]
    3 |   interface⍽eth0 x
      |   ^^^^^^^^^^^^^^
`},
		{"long line", Problem{ID: "x", Severity: Error, At: at(f, "end"), Text: "no"}, `
k.conf:4:401: error: no [x]
    4 | …  ` + strings.Repeat("ü ", 68) + `end
      |   ` + strings.Repeat(" ", 137) + `^^^
`},
		{"nowhere", Problem{Severity: Error, Text: "no file"}, "\nerror: no file\n"},
		{"empty line", Problem{ID: "x", Severity: Error, At: Span{f, int32(len(f.Text)) - 7, int32(len(f.Text)) - 7}, Text: "no"}, "\nk.conf:5:1: error: no [x]\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := "\n" + Renderer{}.Text(tt.p)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestColour(t *testing.T) {
	f := &File{Name: "k.conf", Text: "a b\n"}
	got := Renderer{Colour: true}.Text(Problem{ID: "x", Severity: Error, At: at(f, "b"), Text: "no"})
	want := "\x1b[1mk.conf:1:3: \x1b[0m\x1b[1;31merror: \x1b[0m\x1b[1mno\x1b[0m\x1b[2m [x]\x1b[0m\n    1 | a b\n      |   \x1b[1;31m^\x1b[0m\n"
	if got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestJSON(t *testing.T) {
	f := &File{Name: "k.conf", Text: "a\n b\n"}
	got, err := json.Marshal(Problem{ID: "x", Severity: Error, Class: Config, At: at(f, "b"), Text: "no", Notes: []Note{{Span{}, "see"}}})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"x","severity":"error","class":"config","file":"k.conf","line":2,"column":2,"end_line":2,"end_column":3,"text":"no","notes":[{"text":"see"}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestExitStatus(t *testing.T) {
	for _, tt := range []struct {
		name    string
		classes []Class
		want    int
	}{
		{"nothing", nil, 0},
		{"only ours", []Class{None, None}, 0},
		{"fatal alone", []Class{Fatal, None}, 4},
		{"fatal and another", []Class{Fatal, Config}, 5},
		{"security hides others", []Class{Config, Security, Fatal}, 6},
		{"include", []Class{Include}, 6},
		{"the test ends early", []Class{Config, Security, Ends}, 0},
		{"the test ends early, behind a failed include", []Class{Include, Ends}, 6},
		{"the test ends early, behind a missing argument", []Class{Missing, Ends}, 2},
		{"missing ends it all", []Class{Security, Missing}, 2},
	} {
		var problems []Problem
		for _, c := range tt.classes {
			problems = append(problems, Problem{Class: c})
		}
		if got := ExitStatus(problems); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestSort(t *testing.T) {
	a, b := &File{Name: "a"}, &File{Name: "b"}
	problems := []Problem{{Text: "4", At: Span{b, 7, 7}}, {Text: "1"}, {Text: "5", At: Span{a, 2, 2}}, {Text: "2", At: Span{b, 1, 1}}, {Text: "3", At: Span{b, 1, 1}}}
	Sort(problems)
	for i, p := range problems {
		if p.Text != string(rune('1'+i)) {
			t.Errorf("place %d holds %s", i, p.Text)
		}
	}
}

// Positions survive the way there and back.
func TestPosition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := &File{Text: rapid.StringOf(rapid.SampledFrom([]rune("ab \nü"))).Draw(t, "text")}
		runes := 0
		for i, c := range f.Text {
			line, column := f.Position(i)
			if got := f.Offset(line, column); got != i {
				t.Fatalf("offset %d is %d:%d, which is offset %d", i, line, column, got)
			}
			if want := strings.Count(f.Text[:i], "\n") + 1; line != want {
				t.Fatalf("offset %d is on line %d, want %d", i, line, want)
			}
			if c != '\n' && !strings.ContainsRune(f.LineText(line), c) {
				t.Fatalf("line %d is %q, without %q", line, f.LineText(line), c)
			}
			runes++
		}
	})
}

func TestSuggest(t *testing.T) {
	words := []string{"interface", "priority", "virtual_router_id", "virtual_ipaddress", "state", "lb_algo", "mh-port", "TCP_CHECK", "or"}
	for _, tt := range []struct{ word, want string }{
		{"Interface", "interface"},
		{"INTERFACE", "interface"},
		{"prioritiy", "priority"},
		{"pirority", "priority"},
		{"virtual_router", "virtual_router_id"},
		{"virtual_ip_address", "virtual_ipaddress"},
		{"mh_port", "mh-port"},
		{"tcp_check", "TCP_CHECK"},
		{"sate", "state"},
		{"lbalgo", "lb_algo"},
		{"foo", ""},
		{"x", ""},
		{"", ""},
		{strings.Repeat("x", 1000), ""},
	} {
		if got := Suggest(tt.word, words); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.word, got, tt.want)
		}
	}
}
