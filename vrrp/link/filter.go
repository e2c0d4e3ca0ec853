package link

import (
	"golang.org/x/net/bpf"
)

// vridFilter is a socket filter that passes packets for the given virtual
// routers only. It takes the same few steps however many there are, and whether
// or not the packet is wanted, so a flood costs the same as silence.
//
// A raw IPv4 socket filters from the IP header on, an IPv6 one from the payload.
func vridFilter(e Endpoint, vrids []uint8) ([]bpf.RawInstruction, error) {
	var words [8]uint32
	for _, v := range vrids {
		words[v/32] |= 1 << (v % 32)
	}
	prog := loadVRID(e)
	prog = append(prog,
		bpf.StoreScratch{Src: bpf.RegA, N: 0},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 31},
		bpf.TAX{}, // X: bit in the word
		bpf.LoadScratch{Dst: bpf.RegA, N: 0},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 5}, // A: number of the word
	)
	for i, w := range words {
		left := uint32(len(words) - 1 - i)
		prog = append(prog,
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(i), SkipFalse: 2},
			bpf.LoadConstant{Dst: bpf.RegA, Val: w},
			bpf.Jump{Skip: 3 * left},
		)
	}
	prog = append(prog,
		bpf.ALUOpX{Op: bpf.ALUOpShiftRight},
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 1, SkipFalse: 1},
		bpf.RetConstant{Val: 1 << 18},
		bpf.RetConstant{Val: 0},
	)
	return bpf.Assemble(prog)
}

// loadVRID puts the VRID, the second byte of every VRRP header, into A.
func loadVRID(e Endpoint) []bpf.Instruction {
	if e.IPv6 {
		return []bpf.Instruction{bpf.LoadAbsolute{Off: 1, Size: 1}}
	}
	prog := []bpf.Instruction{bpf.LoadMemShift{Off: 0}} // X: length of the IP header
	if e.Protocol == ProtocolAH {
		prog = append(prog,
			bpf.LoadIndirect{Off: 1, Size: 1}, // length of AH in words, less 2
			bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 2},
			bpf.ALUOpConstant{Op: bpf.ALUOpMul, Val: 4},
			bpf.ALUOpX{Op: bpf.ALUOpAdd},
			bpf.TAX{},
		)
	}
	return append(prog, bpf.LoadIndirect{Off: 1, Size: 1})
}

// neighbourFilter passes messages with hop limit 255, which come from this link.
// The offset is SKF_NET_OFF: relative to the IPv6 header, which an ICMPv6 socket
// does not see otherwise.
var neighbourFilter = []bpf.RawInstruction{
	{Op: 0x30, K: 0xfff00000 + 7},    // ldb [net + 7]
	{Op: 0x15, Jt: 0, Jf: 1, K: 255}, // jeq #255
	{Op: 0x06, K: 1 << 18},           // ret
	{Op: 0x06},                       // ret #0
}

// dropAll passes nothing: for sockets that only send.
var dropAll = []bpf.RawInstruction{{Op: 0x06}} // ret #0
