package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Sysctls are the settings of IPVS below net.ipv4.vs in the network namespace of
// the process.
type Sysctls struct{}

// Get returns a setting, such as that of "conntrack".
func (Sysctls) Get(name string) (int, error) {
	text, err := os.ReadFile(sysctlPath(name))
	if err != nil {
		return 0, fmt.Errorf("setting of IPVS: %w", err)
	}
	v, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("net.ipv4.vs.%s is %q, which is no number", name, text)
	}
	return v, nil
}

// Set changes a setting.
func (Sysctls) Set(name string, v int) error {
	if err := os.WriteFile(sysctlPath(name), []byte(strconv.Itoa(v)), 0o644); err != nil {
		return fmt.Errorf("setting of IPVS: %w", err)
	}
	return nil
}

func sysctlPath(name string) string { return filepath.Join("/proc/sys/net/ipv4/vs", name) }
