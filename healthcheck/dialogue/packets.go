package dialogue

import "encoding/binary"

// cursor reads fields of a packet. After a field that is not there every
// further one is empty and short is set: look once, at the end.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) bytes(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.short, c.b = true, nil
		return nil
	}
	v := c.b[:n]
	c.b = c.b[n:]
	return v
}

func (c *cursor) u8() byte {
	if v := c.bytes(1); v != nil {
		return v[0]
	}
	return 0
}

func (c *cursor) u16le() uint16 {
	if v := c.bytes(2); v != nil {
		return binary.LittleEndian.Uint16(v)
	}
	return 0
}

func (c *cursor) u32be() uint32 {
	if v := c.bytes(4); v != nil {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

// text reads up to a zero byte.
func (c *cursor) text() string {
	for i, x := range c.b {
		if x == 0 {
			v := string(c.b[:i])
			c.b = c.b[i+1:]
			return v
		}
	}
	c.short, c.b = true, nil
	return ""
}
