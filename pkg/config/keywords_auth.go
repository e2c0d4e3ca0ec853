package config

import (
	"time"
)

// authBlock is authentication.
var authBlock = Block{Keywords: []Keyword{
	{
		Name: "auth_type", Takes: Words, Tier: 'A', Args: "PASS|AH",
		Doc: "kind of VRRPv2 authentication",
		set: func(d *decoder, a *arg) { setAuthType(d, a) },
	},
	{
		Name: "auth_pass", Takes: Text, Tier: 'A', Args: "<str ≤8 bytes>",
		Doc: "shared secret (longer: cut to 8, error)",
		set: func(d *decoder, a *arg) { setAuthPass(d, a) },
	},
}}

// hmacBlock is auth_hmac.
var hmacBlock = Block{Keywords: []Keyword{
	{
		Name: "key", Takes: Words, Tier: 'C', Args: "<id 1..255> <ASCII | hex:… | file:/path | credential:NAME | env:NAME>, 32..64 bytes", Default: "required", Lax: true,
		Doc: "one key; may be repeated",
		set: func(d *decoder, a *arg) { setHMACKey(d, a) },
	},
	{
		Name: "active_key", Takes: Int, Tier: 'C', Min: 1, Max: 255, Default: "the only key",
		Doc: "key used for sending",
		set: func(d *decoder, a *arg) { d.inst.HMAC.Active = uint8(a.n) },
	},
	{
		Name: "time_window", Takes: Int, Tier: 'C', Min: 1, Max: 300, Unit: "seconds", Default: "3 × advert_int, at least 5, at most 300",
		Doc: "accepted clock difference",
		set: func(d *decoder, a *arg) { d.inst.HMAC.TimeWindow = time.Duration(a.n) * time.Second },
	},
	{
		Name: "anti_replay", Takes: Words, Tier: 'C', Default: "time", Args: "time|monotonic",
		Doc: "replay protection mode",
		set: func(d *decoder, a *arg) { setHMACReplay(d, a) },
	},
	{
		Name: "mode", Takes: Words, Tier: 'C', Default: "enforce", Args: "enforce|permissive|receive-only",
		Doc: "whether own adverts are signed and whether adverts without trailer are accepted (a bad trailer is always refused)",
		set: func(d *decoder, a *arg) { setHMACMode(d, a) },
	},
}}
