//go:build race

package sim

// schedules is how many seeds are played with the race detector, which makes each take
// many times as long and has little to find in one goroutine.
const schedules = 10_000
