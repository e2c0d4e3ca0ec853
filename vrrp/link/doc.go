// Package link is how a virtual router reaches its network: it receives and
// sends adverts on raw sockets, announces addresses by gratuitous ARP and
// unsolicited neighbour advertisements, and watches for others that claim them.
//
// The parts, each usable alone:
//
//   - [Hub] keeps one receiving socket per [Endpoint] (interface, family and
//     protocol) and hands every packet to one function. It filters by VRID in
//     the kernel, but judges nothing: that is the codec's business.
//   - [Sender] sends finished packets through any interface.
//   - [Announcer] drains a queue of announcements at a bounded pace, so that
//     adverts always go first.
//   - [Watcher] reports ARP and neighbour advertisements in which somebody else
//     claims one of our addresses.
//
// Sockets belong to the network namespace of the thread that opens them.
package link
