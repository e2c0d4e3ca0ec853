package netlab

import (
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/moby/ipvs"
	"golang.org/x/sys/unix"
)

// IPVS returns the namespace's table as ipvsadm -Sn writes it, in sorted lines.
func (n *Namespace) IPVS() []string {
	n.lab.Helper()
	return sortedLines(n.Run("ipvsadm", "-Sn"))
}

// ProcIPVS returns /proc/net/ip_vs of the namespace: cheap to poll, addresses in
// hexadecimal. Where other namespaces have services, too, the kernel loses lines between
// two pages of it: a table of more than sixty lines may then look shorter than it is.
func (n *Namespace) ProcIPVS() string {
	n.lab.Helper()
	var text []byte
	err := n.Do(func() error {
		f, err := os.Open("/proc/thread-self/net/ip_vs")
		if err != nil {
			return err
		}
		defer f.Close()
		page := make([]byte, os.Getpagesize()) // with less to fill the kernel stops sooner
		for {
			count, err := f.Read(page)
			text = append(text, page[:count]...)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
		}
	})
	if err != nil {
		n.lab.Fatalf("%s: %v", n.Name, err)
	}
	return string(text)
}

// Destinations counts the destinations in the namespace's IPVS table.
func (n *Namespace) Destinations() int {
	n.lab.Helper()
	return strings.Count(n.ProcIPVS(), "\n  ->") - 1 // one is the headline
}

// Weights are those of the destinations of a TCP service, in the order of their
// addresses; none without the service. Where the table is long, to ask for this alone
// takes no time in comparison.
func (n *Namespace) Weights(service netip.AddrPort) []int {
	n.lab.Helper()
	list, err := n.tables().GetDestinations(&ipvs.Service{
		AddressFamily: unix.AF_INET, Protocol: unix.IPPROTO_TCP, Address: service.Addr().AsSlice(), Port: service.Port(),
	})
	if err != nil {
		return nil // no such service
	}
	slices.SortFunc(list, func(a, b *ipvs.Destination) int { return slices.Compare(a.Address, b.Address) })
	var weights []int
	for _, d := range list {
		weights = append(weights, d.Weight)
	}
	return weights
}

// tables is a handle of the namespace's IPVS. It is opened once: on the one processor of
// a guest that takes longer than what is measured with it.
func (n *Namespace) tables() *ipvs.Handle {
	n.lab.Helper()
	if n.ipvs != nil {
		return n.ipvs
	}
	err := n.Do(func() (err error) {
		n.ipvs, err = ipvs.New("")
		return err
	})
	if err != nil {
		n.lab.Fatalf("%s: %v", n.Name, err)
	}
	n.lab.Cleanup(n.ipvs.Close)
	return n.ipvs
}

func sortedLines(s string) []string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	slices.Sort(lines)
	if len(lines) == 1 && lines[0] == "" {
		return nil
	}
	return lines
}
