package xen

import "io"

// Walker walks one stream that is written to it. Errors stay: after the first,
// every call returns it. They are of type *frame.Error, but for misuse, and
// never hold what a page or a body does.
type Walker struct {
	settings settings
	off      int64
	err      error
}

var _ io.WriteCloser = (*Walker)(nil)

// New makes a Walker.
func New(opts ...Option) (*Walker, error) {
	s, err := newSettings(opts)
	if err != nil {
		return nil, err
	}
	return &Walker{settings: s}, nil
}

// Write takes the next bytes of the stream, and says how many of them it took
// before it failed. Bytes behind a complete stream are taken too.
func (w *Walker) Write(p []byte) (int, error) {
	w.off += int64(len(p))
	return len(p), w.err
}

// Close is the end of the input. It returns nil for a complete stream, and an
// error wrapping io.ErrUnexpectedEOF that says where for a cut one. It may be
// called again and then says the same.
func (w *Walker) Close() error { return w.err }

// Offset gives how many bytes were taken.
func (w *Walker) Offset() int64 { return w.off }

// Kind gives what the stream is; Opaque as long as that is not decided.
func (w *Walker) Kind() Kind { return w.settings.kind }

// Complete says whether the last END of the stream has passed.
func (w *Walker) Complete() bool { return false }

// Safe gives an offset: the bytes before it can be handed to a reader of Xen,
// and it will never start a domain because of them, wherever they stop (spec
// §7). It grows with the stream up to where libxc's END begins, and stays there; of
// a context by itself, up to where its END begins. As long as a record's header
// is not complete, it might be that END: then Safe stays in front of it.
func (w *Walker) Safe() int64 { return w.off }

// Trailing tells what follows the stream so far, and how many bytes it is.
func (w *Walker) Trailing() (Trailing, int64) { return NothingFollows, 0 }

// Skippable gives how many of the next bytes the walker would not look at:
// contents of pages and of records that neither a rule nor the visitor asks
// for. They may go past it by [Walker.Skip], as by splice.
func (w *Walker) Skippable() int64 { return 0 }

// Skip counts n bytes as taken that were not shown to the walker; more than
// [Walker.Skippable] is an error that stays.
func (w *Walker) Skip(n int64) error { return w.err }
