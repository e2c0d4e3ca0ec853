package track

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// maxFile bounds how much of a tracked file is read: it holds one number.
const maxFile = 128

// ParseValue is the number that a tracked file holds: the first word, a decimal
// integer. Anything else is 0; a number beyond 32 bits is none, and not ok.
func ParseValue(b []byte) (v int64, ok bool) {
	word := firstNumber(b)
	v, err := strconv.ParseInt(string(word), 10, 32)
	if errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	if err != nil {
		return 0, true
	}
	return v, true
}

// firstNumber is the sign and the digits that b begins with.
func firstNumber(b []byte) []byte {
	start := 0
	for start < len(b) && (b[start] == ' ' || '\t' <= b[start] && b[start] <= '\r') {
		start++
	}
	end := start
	if end < len(b) && (b[end] == '-' || b[end] == '+') {
		end++
	}
	for end < len(b) && '0' <= b[end] && b[end] <= '9' {
		end++
	}
	return b[start:end]
}

// reading is what a tracked file holds. One that is missing or unreadable counts as
// 0; so does one that is empty, but that may be about to be written.
type reading struct {
	value   int64
	emptied time.Time // when it became empty; zero if it holds something
	invalid string    // what it holds instead of a number, if that is too large for one
}

// Value is the number that a tracked file holds now.
func Value(path string) int64 { return read(path).value }

func read(path string) reading {
	// A FIFO or device in its place must not make us wait.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return reading{}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return reading{}
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	switch {
	case err != nil:
		return reading{}
	case len(b) == 0:
		return reading{emptied: info.ModTime()}
	}
	v, ok := ParseValue(b)
	if !ok {
		return reading{invalid: string(firstNumber(b))}
	}
	return reading{value: v}
}

// InitFile writes a tracked file that is absent, or with overwrite any. It
// follows no symbolic link and makes no directory.
func InitFile(path string, value int, overwrite bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL | unix.O_NOFOLLOW
	if overwrite {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC | unix.O_NOFOLLOW | unix.O_NONBLOCK
	}
	f, err := os.OpenFile(path, flags, 0o644)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("initialise tracked file: %w", err)
	}
	_, err = fmt.Fprintf(f, "%d\n", value)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("initialise tracked file: %w", err)
	}
	return nil
}
