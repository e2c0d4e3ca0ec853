package config

import "testing"

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
