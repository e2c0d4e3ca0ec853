package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/control"
)

// runEvents is holdfast events: what happens in the roles from now on.
func runEvents(args []string) int {
	at, asJSON, err := placeAndForm(args)
	if err != nil {
		return misused("events", formUsage, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	if err := watchRoles(ctx, &at, os.Stdout, asJSON); err != nil {
		return failed("events", err)
	}
	return exitGood
}

// roleEvent is an event with the role that it comes from.
type roleEvent struct {
	Role string `json:"role"`
	control.Event
}

// watchRoles writes the events of all roles that run, until ctx ends or the
// last of them does.
func watchRoles(ctx context.Context, at *place, w io.Writer, asJSON bool) error {
	var clients []*control.Client
	var names []string
	for _, role := range []string{control.VRRP, control.Checkers, control.BFD} {
		c, err := at.dial(ctx, role)
		if errors.Is(err, control.ErrNotRunning) {
			continue
		}
		if err != nil {
			return err
		}
		defer c.Close()
		clients, names = append(clients, c), append(names, role)
	}
	if len(clients) == 0 {
		return errors.New("holdfast is not running here, or has nothing to do")
	}
	var mu sync.Mutex // the roles take turns
	var wg sync.WaitGroup
	errs := make([]error, len(clients))
	for i, c := range clients {
		wg.Go(func() {
			errs[i] = c.Events(ctx, func(e control.Event) error {
				mu.Lock()
				defer mu.Unlock()
				return showEvent(w, roleEvent{names[i], e}, asJSON)
			})
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func showEvent(w io.Writer, e roleEvent, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(e)
	}
	_, err := fmt.Fprintf(w, "%s %s %s %s\n", e.Time.Local().Format(time.DateTime+".000"), e.Role, e.Kind, e.Data)
	return err
}
