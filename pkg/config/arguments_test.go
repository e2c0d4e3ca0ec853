package config_test

import (
	"strings"
	"testing"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/lint"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// TestEveryArgument gives every keyword arguments of every kind, fitting or not,
// and expects an answer.
func TestEveryArgument(t *testing.T) {
	arguments := []string{
		"", `""`, `"" ""`, "abc", "-1", "0", "1.5", "99999999999999999999", "true", "192.0.2.1", "192.0.2.0/24 80", "2001:db8::1",
		"eth0", "7 8 9", "|", "-", ":", "/", "all 1", "{", "{ }", "{\n\"\"\n}", "{\n192.0.2.1 dev\n}", "{\na weight\n}", `"'"`, `" "`, "+", "%", "1-", "-9",
	}
	machine := testMachine()
	config.Walk(func(path string, k *config.Keyword) {
		for _, arg := range arguments {
			text := k.Name + " " + arg
			if path != config.RootPath {
				names := strings.Split(path, "/")
				for i := len(names) - 1; i >= 0; i-- {
					head := names[i]
					switch head {
					case "virtual_server", "real_server":
						head += " 192.0.2.80 80"
					default:
						head += " NAME"
					}
					text = head + " {\n" + text + "\n}"
				}
			}
			o := syntax.Options{Source: syntax.Text("t.conf", text)}
			func() {
				defer func() {
					if r := recover(); r != nil {
						t.Errorf("%s\npanics: %v", text, r)
					}
				}()
				r := config.Load("t.conf", o, config.Test, machine)
				r.DumpData()
				lint.Check(r.Config)
			}()
		}
	})
}
