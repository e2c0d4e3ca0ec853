// Package kernel is [ipvs.Kernel] on Linux.
//
// It speaks generic netlink itself where that matters: destinations with their
// address family and tunnel, many requests in one system call, 64-bit counters,
// synchronisation daemons. Flushing and the timeouts of connections go through
// moby/ipvs.
package kernel
