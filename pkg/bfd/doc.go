// Package bfd is the bfd role: bidirectional forwarding detection in
// asynchronous mode without authentication (RFC 5880, 5881 and 5883). It tells
// the other roles, over its control socket, which neighbours answer.
//
// [Packet] is the codec and [Session] the machine of one session; both are
// pure. [Run] is the role around them.
package bfd
