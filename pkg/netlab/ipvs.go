package netlab

import (
	"io"
	"os"
	"slices"
	"strings"
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
