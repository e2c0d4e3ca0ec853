// Package sim is a simulated LAN for the machines of package vrrp: routers,
// networks that lose, delay, duplicate and divide, crashes, stalls, restarts
// and reloads, all in virtual time and all from one seed, so that every
// failure can be seen again.
//
// [Run] plays one schedule and checks it against the promises of the protocol:
// nobody speaks or holds addresses but a master; adverts are never late; after
// the trouble has ended there is soon exactly one master, the right one; and
// from then on a takeover makes exactly one new master, in time.
package sim
