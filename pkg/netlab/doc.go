// Package netlab gives tests a network of their own: namespaces, bridges, cables,
// servers and clients, packet captures, daemons started with keepalived's command
// line, and a kernel with IPVS.
//
// It is used by tests, the demonstration and the benchmarks only. Everything it makes
// belongs to one test and is gone when that test ends, also when the test is killed:
// network namespaces are held by file descriptors and never get a name, and guests and
// their processes die with the process that started them.
//
// # Kernels
//
// VRRP needs nothing but network namespaces, which every kernel has. IPVS is missing from
// many kernels (virtual machines, containers, continuous integration). Where it is
// there, tests run on it in fresh namespaces. Where it is not, they run inside a
// user-mode-Linux guest: a real Linux kernel in a process, started in about two seconds,
// which sees the machine's files under a throw-away layer. [Main] moves a whole test
// binary to such a kernel, [InGuest] one test, [Run] a program.
//
// # Skipping
//
// Without root or a tool, a test that needs the lab is skipped and says what it misses.
// With HOLDFAST_LAB=require in the environment, as "make test" sets it, it fails.
package netlab
