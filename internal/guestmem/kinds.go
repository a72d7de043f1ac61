package guestmem

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
)

var words = []string{"the ", "kernel", ": ", "page", "return ", "struct ", "device", "error", "socket", "0x00007f", "guest", ", ", "lock", "queue", "=", "timer "}

var lines = []string{"daemon[", "usb 1-1: new device ", "audit: type=1400 msg=", "  return -EINVAL;\n", "GET /index.html HTTP/1.1\r\nHost: "}

// fillText makes lines like those of logs and sources: some words are frequent,
// some lines begin alike, and there are numbers.
func fillText(p []byte, r *rand.Rand) {
	text := p[:0]
	add := func(s string) { text = append(text, s[:min(len(s), len(p)-len(text))]...) }
	for len(text) < len(p) {
		add(lines[r.IntN(len(lines))])
		for range 2 + r.IntN(8) {
			add(words[min(r.IntN(len(words)), r.IntN(len(words)))])
			if r.IntN(8) == 0 {
				add(strconv.FormatInt(r.Int64N(1e4), 10))
			}
		}
		add("\n")
	}
}

// fillPointers makes what slabs and page tables look like: objects of one
// size, some of whose words are the same in all of them, some count up, and
// some point somewhere near.
func fillPointers(p []byte, r *rand.Rand) {
	base := 0xffff888000000000 | r.Uint64N(1<<30)&^4095
	var object [32]uint64
	size := 4 << r.IntN(4)
	for i := range size {
		if r.IntN(2) == 0 {
			object[i] = base + r.Uint64N(1<<20)&^7
		}
	}
	for i := 0; i < len(p); i += 8 {
		v := object[i/8%size]
		switch {
		case i/8%size == 1:
			v = base + uint64(i)
		case r.IntN(12) == 0:
			v = base + r.Uint64N(1<<16)&^7
		case r.IntN(12) == 0:
			v = r.Uint64N(256)
		}
		binary.LittleEndian.PutUint64(p[i:], v)
	}
}

// instruction is an opcode of x86, and how many bytes of operand follow it.
type instruction struct {
	opcode  string
	operand int
}

// instructions are in the order of how often they are met, roughly.
var instructions = []instruction{
	{"\x48\x8b", 1}, {"\x48\x89", 1}, {"\xe8", 4}, {"\x48\x8b\x45", 1}, {"\x74", 1}, {"\x75", 1}, {"\x0f\x1f\x44\x00\x00", 0},
	{"\x85\xc0", 0}, {"\x48\x8d\x05", 4}, {"\x31\xc0", 0}, {"\xc3", 0}, {"\x89", 1}, {"\x48\x83\xec", 1}, {"\x55\x48\x89\xe5", 0},
	{"\x41\x54", 0}, {"\x5b\x5d", 0}, {"\xeb", 1}, {"\x48\x85\xc0", 0}, {"\x0f\xb6", 1}, {"\x48\x8b\x7b", 1}, {"\xba", 4}, {"\x83\xf8", 1},
	{"\x0f\x84", 4}, {"\x4c\x89", 1}, {"\xcc\xcc\xcc\xcc", 0}, {"\x66\x90", 0}, {"\xe9", 4}, {"\xf0\x48\x0f\xb1", 1},
}

// fillCode makes functions: instructions of which some are much more frequent than
// others, with operands that are mostly small, and now and then what stood before.
func fillCode(p []byte, r *rand.Rand) {
	code := p[:0]
	for len(code) < len(p) {
		if at := len(code) - 64; at > 0 && r.IntN(7) == 0 {
			at = r.IntN(at)
			code = append(code, code[at:at+min(8+r.IntN(40), len(p)-len(code))]...)
			continue
		}
		i := instructions[min(r.IntN(len(instructions)), r.IntN(len(instructions)))]
		var operand [4]byte
		if v := r.Uint32(); i.operand == 1 {
			operand[0] = byte(v>>8) >> (v & 7)
		} else {
			binary.LittleEndian.PutUint32(operand[:], uint32(int32(v)>>(12+v&15)))
		}
		code = append(code, i.opcode[:min(len(i.opcode), len(p)-len(code))]...)
		code = append(code, operand[:min(i.operand, len(p)-len(code))]...)
	}
}
