package router

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-lb/holdfast/pkg/config"
)

func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	plain := strings.Repeat("s", 32)
	for name, text := range map[string]string{
		"plain": plain + "\n", "hex": "hex:" + strings.Repeat("73", 32), "short": "short\n", "odd": "hex:7\n",
		"long": strings.Repeat("s", 65),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("plain", filepath.Join(dir, "symlink")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	t.Setenv("VRRP_KEY", plain)
	for _, c := range []struct {
		name string
		key  config.HMACKey
		want string // part of the error; empty: the secret above
	}{
		{"in the configuration", config.HMACKey{Secret: []byte(plain)}, ""},
		{"file", config.HMACKey{File: filepath.Join(dir, "plain")}, ""},
		{"file with hexadecimal digits", config.HMACKey{File: filepath.Join(dir, "hex")}, ""},
		{"credential", config.HMACKey{Credential: "plain"}, ""},
		{"environment", config.HMACKey{Env: "VRRP_KEY"}, ""},
		{"no such file", config.HMACKey{File: filepath.Join(dir, "nothing")}, "no such file"},
		{"symbolic link", config.HMACKey{File: filepath.Join(dir, "symlink")}, "symbolic links"},
		{"too short", config.HMACKey{Credential: "short"}, "the key has 5 bytes"},
		{"too long", config.HMACKey{Credential: "long"}, "the key has 65 bytes"},
		{"odd", config.HMACKey{Credential: "odd"}, "hexadecimal"},
		{"no such variable", config.HMACKey{Env: "VRRP_NO_KEY"}, "the key has 0 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := secretOf(c.key)
			switch {
			case c.want == "" && (err != nil || !bytes.Equal(got, []byte(plain))):
				t.Errorf("got %q, error %v", got, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}
