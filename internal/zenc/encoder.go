package zenc

import "slices"

// MaxContent is the largest content of a frame. Offsets in it take at most 25 extra
// bits, so that the extra bits of a sequence fit into a word (seq).
const MaxContent = 64 << 20

// maxBlock is the largest content of a block.
const maxBlock = 128 << 10

// Effort is how much work blocks are worth.
type Effort int

const (
	// Fast looks matches up in one small table, and not everywhere.
	Fast Effort = iota
	// Double looks for longer and for shorter ones, everywhere.
	Double
	// Wide is Double with large tables and small blocks.
	Wide
	// Optimal looks for what takes fewest bits.
	Optimal
)

// finder takes contents apart. It knows a frame's content from its beginning
// up to the block it is at.
type finder interface {
	// entries gives how many entries the tables have together.
	entries() int
	// reset is called at the beginning of a frame, with memory for its tables.
	reset(tables []uint32)
	// find takes src[at:end], a block, apart into p.
	find(p *parts, src []byte, at, end int)
}

// Encoder makes blocks. It keeps its memory from one frame to the next, whatever effort
// either is worth, and nothing else, so that the same content always gives the same
// blocks. After the first frames it allocates nothing.
type Encoder struct {
	fast         fastFinder
	double, wide doubleFinder
	optimal      optimalFinder

	tables []uint32 // of the finder that is at work
	parts  parts
	lits   literalsCoder
	seqs   sequenceCoder
}

// New makes an Encoder for efforts up to most.
func New(most Effort) *Encoder {
	e := &Encoder{
		double:  doubleFinder{longLog: 16, shortLog: 15},
		wide:    doubleFinder{longLog: 18, shortLog: 17},
		optimal: optimalFinder{longLog: 18, shortLog: 17, nearLog: 14},
	}
	entries := 0
	for effort := Fast; effort <= most; effort++ {
		f, _ := e.finder(effort)
		entries = max(entries, f.entries())
	}
	e.tables = make([]uint32, entries)
	e.parts.lits = make([]byte, 0, maxBlock+wildCopy)
	return e
}

// finder gives the finder of an effort, and the content that its blocks have.
func (e *Encoder) finder(effort Effort) (finder, int) {
	switch effort {
	case Fast:
		return &e.fast, maxBlock
	case Double:
		return &e.double, maxBlock
	case Wide:
		return &e.wide, maxBlock / 4
	}
	return &e.optimal, maxBlock / 4
}

// MaxSize is the room that Append asks for, which is more than blocks can take
// up: one that would be larger than its content is stored.
func MaxSize(content int) int { return content + content>>8 + 64 }

// Append appends the blocks of a frame whose content is src, 1 to [MaxContent]
// bytes. dst does not move if it has room for [MaxSize].
func (e *Encoder) Append(dst []byte, effort Effort, src []byte) []byte {
	if len(src) == 0 || len(src) > MaxContent {
		panic("zenc: content out of range")
	}
	dst = slices.Grow(dst, MaxSize(len(src)))
	f, size := e.finder(effort)
	f.reset(e.tables)
	e.parts.repeats = startRepeats
	e.lits.known = false
	for at := 0; at < len(src); at += size {
		dst = e.appendBlock(dst, f, src, at, min(at+size, len(src)))
	}
	return dst
}

// Block_Type, RFC 8878 §3.1.1.2.2.
const (
	blockRaw        = 0
	blockCompressed = 2
)

// blockHeader is the size of a block's header.
const blockHeader = 3

// appendBlock appends the block for src[at:end].
func (e *Encoder) appendBlock(dst []byte, f finder, src []byte, at, end int) []byte {
	start, last := len(dst), end == len(src)
	dst = append(dst, 0, 0, 0) // its header, when its size is known
	e.parts.start()
	before := e.parts.repeats
	f.find(&e.parts, src, at, end)

	limit := start + end - at // more is not worth it
	dst = e.lits.append(dst, e.parts.lits)
	ok := len(dst) < limit
	if ok {
		dst, ok = e.seqs.append(dst, &e.parts, limit)
	}
	if !ok {
		// The reader learns nothing from a block that is stored.
		e.parts.repeats, e.lits.known = before, false
		dst = append(dst[:start+blockHeader], src[at:end]...)
		putBlockHeader(dst[start:], blockRaw, end-at, last)
		return dst
	}
	putBlockHeader(dst[start:], blockCompressed, len(dst)-start-blockHeader, last)
	return dst
}

func putBlockHeader(b []byte, typ, size int, last bool) {
	v := typ<<1 | size<<3
	if last {
		v |= 1
	}
	b[0], b[1], b[2] = byte(v), byte(v>>8), byte(v>>16)
}
