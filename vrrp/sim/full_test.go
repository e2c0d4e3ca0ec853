//go:build !race

package sim

// schedules is how many seeds are played; each takes some 50 microseconds.
const schedules = 100_000
