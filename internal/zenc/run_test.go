package zenc

import (
	"bytes"
	"testing"
)

// lengthAndBack gives what a sequence with a new offset says.
func lengthAndBack(s seq) (n, back int) {
	ln, mn := litBits[s.lit], matchBits[s.match]
	base := uint32(0)
	for matchCode(base) != s.match {
		base++
	}
	n = minMatch + int(base) + int(low(uint32(s.extra>>ln), mn))
	return n, 1<<s.offset + int(s.extra>>(ln+mn)) - 3
}

// Decoders copy what overlaps byte by byte: no part of a run does but the first, which is short.
func TestRunDoesNotOverlap(t *testing.T) {
	p := new(parts)
	for offset := 1; offset < 300; offset++ {
		for n := max(minRun, offset+1); n < maxBlock; n += 1 + n/50 {
			p.start()
			p.repeats = startRepeats
			p.add(nil, 0, 0, n, offset)
			sum := 0
			for i, s := range p.seqs[:p.n] {
				part, back := lengthAndBack(s)
				if sum += part; i == 0 && part <= max(offset, wideRun-1) {
					continue
				}
				if part > back || back%offset != 0 {
					t.Errorf("offset %d, %d bytes: part %d is of %d bytes from %d back", offset, n, i, part, back)
				}
			}
			if sum != n || p.n > 20 {
				t.Errorf("offset %d, %d bytes: %d parts are of %d", offset, n, p.n, sum)
			}
		}
	}
}

func TestRunsComeBack(t *testing.T) {
	unit := contents()["random"][:300]
	for name, effort := range efforts {
		t.Run(name, func(t *testing.T) {
			e := New(effort)
			for period := 1; period < len(unit); period += 1 + period/8 {
				for _, n := range []int{1, minRun - 1, minRun, minRun + 1, 200, 4096, maxBlock + 7} {
					run := bytes.Repeat(unit[:period], n/period+2)[:n+period]
					check(t, e, effort, append(bytes.Clone(unit[:40]), append(run, unit...)...))
				}
			}
		})
	}
}

// The zstd command up to 1.4.3 takes 18 bytes of a frame at once, and fails if they decode to
// more than a block. A block that is a single run ends behind them.
func TestFirstBlockIsNotTooShort(t *testing.T) {
	for name, effort := range efforts {
		e := New(effort)
		_, block := e.finder(effort)
		for _, size := range []int{block, block + 1, 3*block + 5} {
			frame := frameOf(e.Append(nil, effort, bytes.Repeat([]byte{9}, size)), size)
			const at = 9 // the frame's header
			h := int(frame[at]) | int(frame[at+1])<<8 | int(frame[at+2])<<16
			if end := at + blockHeader + h>>3; end <= 18 {
				t.Errorf("%s, %d bytes: the first block ends at %d", name, size, end)
			}
		}
	}
}
