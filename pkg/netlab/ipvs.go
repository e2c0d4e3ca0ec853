package netlab

import (
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
// hexadecimal.
func (n *Namespace) ProcIPVS() string {
	n.lab.Helper()
	var b []byte
	err := n.Do(func() (err error) {
		b, err = os.ReadFile("/proc/thread-self/net/ip_vs")
		return err
	})
	if err != nil {
		n.lab.Fatalf("%s: %v", n.Name, err)
	}
	return string(b)
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
