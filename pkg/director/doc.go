// Package director is the checkers role: it makes the kernel's IPVS tables what
// the configuration, the health of the real servers and the operator call for.
//
// The policy (policy.go, pool.go, table.go) decides and touches nothing: what
// happened goes in, and out come the table that should be, lines for the log and
// notifications. One loop (director.go) owns it. A worker (reconcile.go) compares
// the table with the kernel's and sends the difference, so that a slow kernel
// never keeps the loop from hearing about a server that died.
package director
