// Package ipvs describes the tables of the Linux IP Virtual Server as values
// and decides how to change them. It opens no socket: package
// [github.com/holdfast-lb/holdfast/ipvs/kernel] talks to the kernel, and
// package ipvstest holds a kernel in memory that behaves the same.
//
// The walk is always the same: say what should be true (a [Table]), ask the
// kernel what is true ([Kernel.Read]), compute the difference ([Plan]), send it
// ([Kernel.Apply]).
package ipvs
