package track

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// maxFile bounds how much of a tracked file is read: it holds one number.
const maxFile = 128

// ParseValue is the number that a tracked file holds: the first word, a decimal
// integer. Anything else is 0; numbers beyond 32 bits are cut to fit.
func ParseValue(b []byte) int64 {
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
	v, err := strconv.ParseInt(string(b[start:end]), 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	return min(max(v, math.MinInt32), math.MaxInt32)
}

// Value is the number that a tracked file holds now.
func Value(path string) int64 {
	v, _ := readValue(path)
	return v
}

// readValue reads a tracked file. One that is missing or unreadable counts as 0;
// so does one that is empty, but that may be about to be written: emptied is when
// it became so, zero if it holds something.
func readValue(path string) (v int64, emptied time.Time) {
	// A FIFO or device in its place must not make us wait.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0, time.Time{}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0, time.Time{}
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	switch {
	case err != nil:
		return 0, time.Time{}
	case len(b) == 0:
		return 0, info.ModTime()
	}
	return ParseValue(b), time.Time{}
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
