package config

import (
	"encoding/hex"
	"strings"
)

func setAuthType(d *decoder, a *arg) {
	switch a.words[0].Text {
	case "PASS":
		d.inst.Auth.Type = AuthPass
	case "AH":
		d.inst.Auth.Type = AuthAH
	default:
		d.unknownWord(a.words[0], "PASS", "AH")
	}
}

func setAuthPass(d *decoder, a *arg) {
	if len(a.text) > 8 {
		d.err("password-too-long", a.words[0], "VRRPv2 knows passwords of at most 8 bytes; this one is cut")
		a.text = a.text[:8]
	}
	d.inst.Auth.Pass = a.text
}

func openHMAC(d *decoder, a *arg) bool {
	d.inst.HMAC = &HMAC{}
	return true
}

func setHMACKey(d *decoder, a *arg) {
	if len(a.words) < 2 {
		d.err("missing-value", a.key, "key needs a number and a secret")
		return
	}
	id, ok := d.integer(a.words[0], 1, 255)
	if !ok {
		return
	}
	w := a.words[1]
	k := HMACKey{ID: uint8(id)}
	text := w.Text
	switch {
	case strings.HasPrefix(text, "file:"):
		k.File = text[len("file:"):]
	case strings.HasPrefix(text, "credential:"):
		k.Credential = text[len("credential:"):]
		if k.Credential == "" || strings.Contains(k.Credential, "/") {
			d.err("invalid-key", w, "a credential is named without a directory")
			return
		}
	case strings.HasPrefix(text, "env:"):
		k.Env = text[len("env:"):]
	case strings.HasPrefix(text, "hex:"):
		secret, err := hex.DecodeString(text[len("hex:"):])
		if err != nil {
			d.err("invalid-key", w, "this is not an even number of hexadecimal digits")
			return
		}
		k.Secret = secret
	default:
		k.Secret = []byte(text)
	}
	if n := len(k.Secret); k.File+k.Credential+k.Env == "" && (n < 32 || n > 64) {
		d.err("invalid-key", w, "the key has %d bytes; it must have 32 to 64", n)
		return
	}
	d.inst.HMAC.Keys = append(d.inst.HMAC.Keys, k)
	d.inst.hmacKeys = append(d.inst.hmacKeys, w)
}

func setHMACReplay(d *decoder, a *arg) {
	switch a.words[0].Text {
	case "time", "monotonic":
		d.inst.HMAC.Monotonic = a.words[0].Text == "monotonic"
	default:
		d.unknownWord(a.words[0], "time", "monotonic")
	}
}

func setHMACMode(d *decoder, a *arg) {
	switch a.words[0].Text {
	case "enforce":
		d.inst.HMAC.Mode = HMACEnforce
	case "permissive":
		d.inst.HMAC.Mode = HMACPermissive
	case "receive-only":
		d.inst.HMAC.Mode = HMACReceiveOnly
	default:
		d.unknownWord(a.words[0], "enforce", "permissive", "receive-only")
	}
}
