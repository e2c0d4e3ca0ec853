// Package packet is the wire format of VRRP: advertisements of version 2
// (RFC 3768) and version 3 (RFC 9568) over IPv4 and IPv6, with every kind of
// authentication that keepalived knows.
//
// The package is pure. [Advert] is the message itself; an [Encoder] turns it
// into datagrams ready for a raw socket, and a [Checker] decides whether a
// received [Datagram] may act on a virtual router. A datagram that must not is
// answered with one named error, because operators count the reasons.
package packet
