package netlab

import (
	"fmt"
	"os"
	"slices"
)

// Program is the lab's T for programs, which have no testing.T: a failure leaves the
// function that Do runs, and cleanups run when it ends.
type Program struct {
	Log      func(text string)
	cleanups []func()
	failed   bool
}

// failure is what Fatalf panics with.
type failure string

// Do runs f, then the cleanups, and returns the exit status.
func (p *Program) Do(f func()) (status int) {
	defer func() {
		reason := recover()
		for _, clean := range slices.Backward(p.cleanups) {
			clean()
		}
		p.cleanups = nil
		switch reason := reason.(type) {
		case nil:
		case failure:
			p.Log(string(reason))
			p.failed = true
		default:
			panic(reason)
		}
		if p.failed {
			status = 1
		}
	}()
	f()
	return 0
}

// Helper does nothing.
func (p *Program) Helper() {}

// Cleanup registers a function for the end of Do; the last comes first.
func (p *Program) Cleanup(f func()) { p.cleanups = append(p.cleanups, f) }

// Logf prints a line.
func (p *Program) Logf(format string, args ...any) { p.Log(fmt.Sprintf(format, args...)) }

// Errorf prints a line and makes the exit status 1.
func (p *Program) Errorf(format string, args ...any) {
	p.Logf(format, args...)
	p.failed = true
}

// Fatalf ends Do.
func (p *Program) Fatalf(format string, args ...any) { panic(failure(fmt.Sprintf(format, args...))) }

// TempDir makes a directory that is gone after Do.
func (p *Program) TempDir() string {
	dir, err := os.MkdirTemp("", "holdfast-lab-")
	if err != nil {
		p.Fatalf("%v", err)
	}
	p.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
