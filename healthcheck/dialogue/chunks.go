package dialogue

import (
	"bytes"
	"strconv"
)

// chunks takes a chunked body apart as it comes (RFC 9112 section 7.1).
type chunks struct {
	left int    // bytes of the present chunk, with its line end
	line []byte // a line that is not whole yet
	done bool   // the last chunk has come, or something that is none
}

// maxChunkLine is the longest line before a chunk.
const maxChunkLine = 256

func (c *chunks) hear(in []byte, take func([]byte)) {
	for len(in) > 0 && !c.done {
		if c.left > 0 {
			n := min(len(in), c.left)
			if data := min(n, c.left-2); data > 0 {
				take(in[:data])
			}
			c.left -= n
			in = in[n:]
			continue
		}
		end := bytes.IndexByte(in, '\n') + 1
		if end == 0 {
			end = len(in)
		}
		c.line = append(c.line, in[:end]...)
		in = in[end:]
		if len(c.line) > maxChunkLine {
			c.done = true
			return
		}
		if c.line[len(c.line)-1] != '\n' {
			return
		}
		size, _, _ := bytes.Cut(bytes.TrimSpace(c.line), []byte(";"))
		n, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 30)
		c.line, c.left, c.done = c.line[:0], int(n)+2, err != nil || n == 0
	}
}
