package frame

import "bytes"

var zeros [4096]byte

// IsZero says whether all bytes of b are zero; so it is for an empty b. It
// runs at memory speed and leaves at the first block that is not zero.
func IsZero(b []byte) bool {
	for len(b) > len(zeros) {
		if !bytes.Equal(b[:len(zeros)], zeros[:]) {
			return false
		}
		b = b[len(zeros):]
	}
	return bytes.Equal(b, zeros[:len(b)])
}
