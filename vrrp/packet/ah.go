package packet

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"net/netip"
)

// The authentication header of RFC 4302 as VRRP used it (RFC 2338 section
// 5.3.6.3): HMAC-MD5 cut to 96 bits, so 24 bytes in all.
const (
	ahLen    = 24
	ahICVLen = 12
)

// appendAH appends an authentication header with its value still zero. The
// source address serves as security parameters index.
func appendAH(dst []byte, src netip.Addr, seq uint32) []byte {
	dst = append(dst, protoVRRP, ahLen/4-2, 0, 0)
	dst = append(dst, src.AsSlice()...)
	dst = binary.BigEndian.AppendUint32(dst, seq)
	return append(dst, make([]byte, ahICVLen)...)
}

// icv authenticates one whole IPv4 datagram: header, AH with a zero value, and
// message. What routers may change on the way counts as zero; the TTL of a
// multicast advert cannot change, so it is covered (as keepalived does).
func icv(password, header, ah, message []byte, multicast bool) [ahICVLen]byte {
	h := append(make([]byte, 0, 60), header...)
	h[1] = 0            // TOS
	h[6], h[7] = 0, 0   // flags and fragment offset
	h[10], h[11] = 0, 0 // header checksum
	if !multicast {
		h[8] = 0
	}
	mac := hmac.New(md5.New, password)
	mac.Write(h)
	mac.Write(ah[:ahLen-ahICVLen])
	mac.Write(make([]byte, ahICVLen))
	mac.Write(message)
	var out [ahICVLen]byte
	copy(out[:], mac.Sum(nil))
	return out
}
