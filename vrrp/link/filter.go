package link

import (
	"golang.org/x/net/bpf"
)

// vridFilter is a socket filter that passes packets for the given virtual
// routers only.
//
// A raw IPv4 socket filters from the IP header on, an IPv6 one from the payload.
func vridFilter(e Endpoint, vrids []uint8) ([]bpf.RawInstruction, error) {
	return byteFilter(loadVRID(e), vrids)
}

// byteFilter passes packets of which a byte, which load puts into A, is one of
// those wanted. It takes the same few steps however many there are, and whether
// or not the packet is wanted, so a flood costs the same as silence.
func byteFilter(load []bpf.Instruction, wanted []uint8) ([]bpf.RawInstruction, error) {
	var words [8]uint32
	for _, v := range wanted {
		words[v/32] |= 1 << (v % 32)
	}
	prog := append(load,
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

// arpFilter passes ARP whose sender is an address that ends like one of ours: on
// a hundred virtual interfaces every broadcast comes in a hundred times.
func arpFilter(ends []uint8) ([]bpf.RawInstruction, error) {
	return byteFilter([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 4, Size: 1}, // length of a hardware address
		bpf.TAX{},
		bpf.LoadIndirect{Off: 8 + 3, Size: 1},
	}, ends)
}

// naFilter does the same for neighbour advertisements. It passes only messages
// with hop limit 255, which come from this link.
func naFilter(ends []uint8) ([]bpf.RawInstruction, error) {
	return byteFilter([]bpf.Instruction{
		bpf.LoadAbsolute{Off: fromIPv6Header + 7, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 255, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.LoadAbsolute{Off: 8 + 15, Size: 1},
	}, ends)
}

// fromIPv6Header is SKF_NET_OFF: an ICMPv6 socket does not see that header
// otherwise.
const fromIPv6Header = 0xfff00000

// dropAll passes nothing: for sockets that only send.
var dropAll = []bpf.RawInstruction{{Op: 0x06}} // ret #0
