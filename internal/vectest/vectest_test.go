package vectest

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

func TestAllVectorsAreThere(t *testing.T) {
	for _, s := range Sets(t) {
		for _, v := range s.Vectors {
			if b := v.Bytes(t); len(b) != v.Size {
				t.Errorf("%v %s: %d bytes, want %d", s.Layout, v.Name, len(b), v.Size)
			}
		}
		t.Logf("%v: %d vectors", s.Layout, len(s.Vectors))
	}
}

func TestRealStream(t *testing.T) {
	b := RealStream(t)
	sum := sha256.Sum256(b)
	if got := hex.EncodeToString(sum[:]); len(b) != 554845 || got != "d2dfae1f2e1cb09d571f996d0d4d5401d9d121ed017c65cd43c87e1ebd7dcac0" {
		t.Fatalf("%d bytes, sha256 %s", len(b), got)
	}
}

func TestStreams(t *testing.T) {
	for _, s := range Streams(t) {
		if int64(len(s.Bytes)) != s.Facts.Bytes {
			t.Errorf("%s: %d bytes, want %d", s.Name, len(s.Bytes), s.Facts.Bytes)
		}
	}
}
