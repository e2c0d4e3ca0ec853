// Package vrrp decides who holds the addresses: the state machine of VRRP
// (RFC 9568 section 6, RFC 3768 section 6) with the options that keepalived
// added, as a pure value.
//
// A [Machine] is one election. It has one virtual router, or all those of a
// sync group, which then change state together. Its owner tells it what
// happened and when, does what it returns, and calls again no later than its
// [Machine.Deadline]. It reads no clock, owns no goroutine and opens no socket:
// the same calls always give the same answers.
package vrrp
