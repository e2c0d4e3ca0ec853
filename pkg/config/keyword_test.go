package config

import (
	"maps"
	"os"
	"strings"
	"testing"
)

// Every declaration must be complete enough for decoder and documents.
func TestDeclarations(t *testing.T) {
	Walk(func(path string, k *Keyword) {
		at := path + "/" + k.Name
		if k.Doc == "" || k.Tier < 'A' || k.Tier > 'D' {
			t.Errorf("%s: no documentation or tier", at)
		}
		switch k.Takes {
		case Sub:
			if k.Block == nil {
				t.Errorf("%s: Sub without a Block", at)
			}
		case Items:
			if k.item == nil {
				t.Errorf("%s: Items without item", at)
			}
		case Option:
		default:
			if k.set == nil {
				t.Errorf("%s: nothing takes the value", at)
			}
		}
		if k.Takes == Int && k.Min > k.Max || (k.Takes == Seconds || k.Takes == Millis) && k.Max <= k.Min {
			t.Errorf("%s: range %s", at, k.Range())
		}
		if k.Old && k.Use == "" {
			t.Errorf("%s: old, but nothing says what to use", at)
		}
	})
}

// TestComplete holds the declarations against testdata/keywords.tsv: every word
// that keepalived 2.4.3 knows, with the block it stands in. What is not there
// must be marked as ours.
func TestComplete(t *testing.T) {
	text, err := os.ReadFile("testdata/keywords.tsv")
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for line := range strings.Lines(string(text)) {
		block, keyword, _ := strings.Cut(strings.TrimSpace(line), "\t")
		known[block+" "+keyword] = true
	}
	delete(known, "block keyword")
	if len(known) < 735 {
		t.Fatalf("only %d keywords in the list", len(known))
	}
	missing := maps.Clone(known)
	ours := make(map[string]bool) // blocks, with all they hold
	Walk(func(path string, k *Keyword) {
		at := path + " " + k.Name
		delete(missing, at)
		if k.Ours || ours[path] {
			ours[strings.TrimPrefix(path+"/"+k.Name, RootPath+"/")] = true
		}
		switch {
		case k.Ours && known[at]:
			t.Errorf("%s is marked as ours, but keepalived knows it", at)
		case !known[at] && !k.Ours && !ours[path]:
			t.Errorf("%s is not a keyword of keepalived and not marked as ours", at)
		}
	})
	for at := range missing {
		t.Errorf("%s is not declared", at)
	}
}
