//go:build !race

package vecio

import "testing"

// An elided frame is some hundreds of slices.
func TestWriteVecOfManyAllocatesNothing(t *testing.T) {
	w := NewWriter(nowhere(t))
	content := make([]byte, 4096)
	for _, slices := range []int{9, 200, 1025} {
		vec := make([][]byte, slices)
		write := func() {
			for i := range vec {
				vec[i] = content[:8+i%2*4000]
			}
			if _, err := w.WriteVec(vec); err != nil {
				t.Fatal(err)
			}
		}
		if n := testing.AllocsPerRun(100, write); n != 0 {
			t.Errorf("%v allocations to write %d slices, want 0", n, slices)
		}
	}
}
