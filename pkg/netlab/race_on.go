//go:build race

package netlab

// raceEnabled says that this binary was built with -race. Such a binary cannot run in a
// guest, whose address space is too small for the race detector's shadow memory.
const raceEnabled = true
