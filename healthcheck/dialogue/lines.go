package dialogue

import (
	"bytes"
	"errors"
)

var errLongLine = errors.New("line too long")

// lines cuts a stream into lines.
type lines struct {
	rest []byte // the beginning of a line that has not ended yet
}

// maxLine is the longest line accepted; RFC 5321 and its kin allow 512 to 1000.
const maxLine = 4096

// add takes what arrived.
func (l *lines) add(in []byte) { l.rest = append(l.rest, in...) }

// next returns the next whole line without its end.
func (l *lines) next() (line []byte, ok bool, err error) {
	i := bytes.IndexByte(l.rest, '\n')
	if i < 0 {
		if len(l.rest) > maxLine {
			return nil, false, errLongLine
		}
		return nil, false, nil
	}
	line = bytes.TrimSuffix(l.rest[:i], []byte("\r"))
	l.rest = l.rest[i+1:]
	if len(line) > maxLine {
		return nil, false, errLongLine
	}
	return line, true, nil
}
