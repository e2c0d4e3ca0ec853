package bfd

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/holdfast-lb/holdfast/pkg/control"
)

// A watcher that was there before the role hears how the sessions stand without waiting
// for a change.
func TestWatchBeginsWithWhatIsSo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bfd.sock")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	heard, ended := make(chan []Status, 1), make(chan struct{})
	go func() {
		defer close(ended)
		Watch(ctx, path, func(all []Status) { heard <- all; cancel() })
	}()
	server, err := control.Listen(path, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	server.Handle(control.Snapshot, func(context.Context, json.RawMessage) (any, error) {
		return []Status{{Name: "one", Up: true}}, nil
	})
	serving, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Run(serving) }()
	<-ended
	select {
	case all := <-heard:
		if len(all) != 1 || all[0].Name != "one" || !all[0].Up {
			t.Errorf("heard %+v", all)
		}
	default:
		t.Error("heard nothing")
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
