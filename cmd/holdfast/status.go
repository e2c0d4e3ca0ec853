package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/bfd"
	"github.com/holdfast-lb/holdfast/pkg/control"
)

// runStatus is holdfast status: what every role knows.
func runStatus(args []string) int {
	at, asJSON, err := placeAndForm(args)
	if err != nil {
		return misused("status", formUsage, err)
	}
	answers := make(map[string]json.RawMessage)
	for _, role := range []string{control.VRRP, control.Checkers, control.BFD} {
		var answer json.RawMessage
		switch err := at.call(role, control.Snapshot, nil, &answer); {
		case err == nil:
			answers[role] = answer
		case !errors.Is(err, control.ErrNotRunning):
			return failed("status", err)
		}
	}
	if len(answers) == 0 {
		return failed("status", errors.New("holdfast is not running here, or has nothing to do"))
	}
	if asJSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		err = out.Encode(answers)
	} else {
		err = showStatus(os.Stdout, answers, time.Now())
	}
	if err != nil {
		return failed("status", err)
	}
	return exitGood
}

// showStatus writes what the roles answered for people.
func showStatus(w io.Writer, answers map[string]json.RawMessage, now time.Time) error {
	out := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	if a, ok := answers[control.VRRP]; ok {
		var s control.VRRPSnapshot
		if err := json.Unmarshal(a, &s); err != nil {
			return fmt.Errorf("answer of the vrrp role: %w", err)
		}
		showVRRP(out, &s, now)
	}
	if a, ok := answers[control.Checkers]; ok {
		var s control.CheckersStatus
		if err := json.Unmarshal(a, &s); err != nil {
			return fmt.Errorf("answer of the checkers role: %w", err)
		}
		showCheckers(out, &s, now)
	}
	if a, ok := answers[control.BFD]; ok {
		var s []bfd.Status
		if err := json.Unmarshal(bytes.TrimSpace(a), &s); err != nil {
			return fmt.Errorf("answer of the bfd role: %w", err)
		}
		showBFD(out, s)
	}
	return out.Flush()
}

func showVRRP(w io.Writer, s *control.VRRPSnapshot, now time.Time) {
	fmt.Fprintf(w, "vrrp, up %s\n", ago(s.Began, now))
	for i := range s.Instances {
		v := &s.Instances[i]
		priority := fmt.Sprintf("priority %d", v.Priority)
		if v.Priority != v.BasePriority {
			priority += fmt.Sprintf(" (%d configured)", v.BasePriority)
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\n", v.Name, v.State, ago(v.Since, now), priority, whereIs(v))
		for _, r := range remarks(v) {
			fmt.Fprintf(w, "  \t\t  %s\n", r)
		}
	}
	for _, g := range s.Groups {
		fmt.Fprintf(w, "  group %s\t%s\t\t%s\n", g.Name, g.State, strings.Join(g.Members, " "))
	}
	for _, t := range s.Trackers {
		fmt.Fprintf(w, "  %s %s\t%s\n", t.Kind, t.Name, t.State)
	}
	if n := s.Lateness.Count; n > 0 {
		fmt.Fprintf(w, "  adverts late by %.1f ms on average, %.1f ms at most, of %d\n", s.Lateness.Sum/float64(n)*1e3, s.Lateness.Max*1e3, n)
	}
}

func whereIs(v *control.VRRPInstance) string {
	s := fmt.Sprintf("vrid %d", v.VRID)
	if v.Interface != "" {
		s += " on " + v.Interface
	}
	if v.State == "BACKUP" && v.Master.IsValid() {
		s += ", master " + v.Master.String()
	}
	if len(v.Addresses) > 0 {
		s += ", " + strings.Join(v.Addresses, " ")
	}
	return s
}

// remarks are the reasons for a state that is not as it should be.
func remarks(v *control.VRRPInstance) []string {
	var list []string
	for _, r := range v.Reasons {
		list = append(list, "because "+r)
	}
	if v.Standby {
		list = append(list, "on standby; holdfast resume "+v.Name+" ends it")
	}
	if v.Waiting {
		list = append(list, "waiting for the first result of a tracker")
	}
	if v.Behind {
		list = append(list, "does not preempt before IPVS knows the connections of the master")
	}
	if v.Conflict.IsValid() {
		list = append(list, fmt.Sprintf("%s is master, too: %s", v.Conflict, v.Cause))
	}
	if v.SendError != "" {
		list = append(list, "adverts are not sent: "+v.SendError)
	}
	return list
}

func showCheckers(w io.Writer, s *control.CheckersStatus, now time.Time) {
	fmt.Fprintf(w, "checkers, up %s\n", ago(s.Started, now))
	for i := range s.Virtual {
		v := &s.Virtual[i]
		fmt.Fprintf(w, "  %s\t%s\tweight %d of %d\n", v.Name, upDown(v.Up), v.Weight, v.Quorum)
		if v.SorryActive {
			fmt.Fprintf(w, "    sorry server %s serves\n", v.Sorry)
		}
		if v.Suspended {
			fmt.Fprintf(w, "    not checked while another machine holds the address\n")
		}
		for j := range v.Real {
			r := &v.Real[j]
			fmt.Fprintf(w, "    %s\t%s\tweight %d\t%d active, %d inactive\t%s\n",
				r.Name, upDown(r.Up), r.PoolWeight, r.Active, r.Inactive, aboutServer(r, now))
		}
	}
}

func aboutServer(r *control.RealServer, now time.Time) string {
	s := ago(r.Since, now)
	if r.Reason != "" {
		s += ": " + r.Reason
	}
	if r.Admin != "" && r.Admin != "ready" {
		s += ", " + r.Admin
		if !r.DrainUntil.IsZero() {
			s += " for " + r.DrainUntil.Sub(now).Round(time.Second).String()
		}
	}
	return s
}

func showBFD(w io.Writer, s []bfd.Status) {
	fmt.Fprintln(w, "bfd")
	for _, b := range s {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", b.Name, b.State, b.Neighbor)
	}
}

func upDown(up bool) string {
	if up {
		return "up"
	}
	return "DOWN"
}

// ago is how long ago a moment was.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return "-"
	}
	d := now.Sub(t)
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
	}
}
