//go:build !linux

package vecio

import "io"

// fdWriter stands for writev where it is not used.
type fdWriter struct{}

func newFDWriter(io.Writer) *fdWriter { return nil }

func (*fdWriter) writeVec([][]byte) (int64, error) { panic("vecio: no writev here") }
