package netlab

import (
	"net"
	"strings"
	"time"
)

// Flow is one UDP client that keeps its port.
type Flow struct{ conn net.Conn }

// Flow opens a flow to an address.
func (n *Namespace) Flow(addr string) *Flow {
	n.lab.Helper()
	f := &Flow{}
	err := n.Do(func() (err error) {
		f.conn, err = net.Dial("udp", addr)
		return err
	})
	if err != nil {
		n.lab.Fatalf("%s: %v", n.Name, err)
	}
	n.lab.Cleanup(func() { f.conn.Close() })
	return f
}

// Ask sends one packet and returns the name of the backend that answers within the time,
// or nothing.
func (f *Flow) Ask(within time.Duration) string {
	if _, err := f.conn.Write([]byte("who\n")); err != nil {
		return "" // an ICMP error for the packet before
	}
	f.conn.SetReadDeadline(time.Now().Add(within))
	buf := make([]byte, 256)
	n, err := f.conn.Read(buf)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(buf[:n]))
}
