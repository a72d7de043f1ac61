//go:build !linux

package pipe

import "io"

// splice is not there.
type splice struct{}

func newSplice(io.Writer, io.Reader) *splice { return nil }

func (*splice) move(int64) (int64, error) { panic("internal error: no splice") }
