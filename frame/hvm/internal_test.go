package hvm

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// Whoever judges a body does not rely on the rules about its length that come before:
// one that is too short is cut, or left alone.
func TestJudgesOfBodiesTakeAnyLength(t *testing.T) {
	for typ := range Type(len(infos)) {
		for n := range min(judged(typ), XSAVEMin) {
			if typ == MSRType && n >= MSRMin {
				break
			}
			c := NewChecker(Config{Verify: true})
			c.cur.Type, c.body = typ, bytes.Repeat([]byte{0xff}, n)
			err := c.judgeBody()
			if typ == HeaderType && !errors.Is(err, io.ErrUnexpectedEOF) || typ != HeaderType && err != nil {
				t.Errorf("%s of %d bytes: %v", typ.Name(), n, err)
			}
		}
	}
}
