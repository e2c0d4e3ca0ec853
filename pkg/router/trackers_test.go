package router

import (
	"slices"
	"testing"

	"github.com/holdfast-lb/holdfast/pkg/config"
)

// Scripts that nothing tracks are not run, as with keepalived.
func TestScriptsThatAreRun(t *testing.T) {
	c := &config.Config{
		Instances:  []*config.Instance{{TrackScripts: []config.Track{{Name: "a"}}}},
		SyncGroups: []*config.SyncGroup{{TrackScripts: []config.Track{{Name: "b", Weight: 5}}}},
	}
	for _, name := range []string{"a", "b", "unused"} {
		c.Scripts = append(c.Scripts, &config.TrackScript{Name: name, Command: &config.Command{Argv: []string{"/bin/true"}}})
	}
	var got []string
	for _, s := range scriptsOf(c) {
		got = append(got, s.Name)
	}
	if !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("run: %q", got)
	}
}
