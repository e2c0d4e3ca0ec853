package router

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-lb/holdfast/pkg/config"
)

// secretOf is the secret of a key, which may be kept elsewhere: in a file, a
// credential of the service manager, or the environment. There it may be
// written as hex:…, too.
func secretOf(k config.HMACKey) ([]byte, error) {
	var text string
	var err error
	switch {
	case k.Credential != "":
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return nil, errors.New("there is no $CREDENTIALS_DIRECTORY: the service manager has passed no credential")
		}
		text, err = secretIn(filepath.Join(dir, k.Credential))
	case k.File != "":
		text, err = secretIn(k.File)
	case k.Env != "":
		text = os.Getenv(k.Env)
	default:
		return k.Secret, nil
	}
	if err != nil {
		return nil, err
	}
	secret := []byte(text)
	if digits, ok := strings.CutPrefix(text, "hex:"); ok {
		if secret, err = hex.DecodeString(digits); err != nil {
			return nil, errors.New("not an even number of hexadecimal digits")
		}
	}
	if n := len(secret); n < 32 || n > 64 {
		return nil, fmt.Errorf("the key has %d bytes; it must have 32 to 64", n)
	}
	return secret, nil
}

// secretIn is the first line of a file, which must not be a symbolic link.
func secretIn(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	const most = len("hex:") + 2*64 + 2
	b, err := io.ReadAll(io.LimitReader(f, int64(most)))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}
