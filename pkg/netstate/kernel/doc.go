// Package kernel is netstate on Linux: it reads links, addresses, routes and
// rules, follows their changes, and carries out plans, through routing netlink.
//
// Messages are encoded and decoded here, because the libraries lack options
// that virtual routes and rules have. The decoders are total: whatever the
// bytes, they return a value or say that there is none.
//
// All sockets belong to the network namespace of the thread that calls [Open]
// or [OpenWatcher].
package kernel
