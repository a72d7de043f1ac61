package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"runtime"
	"testing"
)

// The memory that statistics tell is the command's own, however large the program is that started it.
func TestPeakMemoryIsOurs(t *testing.T) {
	const large = 512 << 20
	held := bytes.Repeat([]byte{1}, large)
	cmd := exec.Command("ctxpipe", "compress", "-f", "--stats", "-")
	cmd.Stdin = bytes.NewReader([]byte("not much"))
	var told bytes.Buffer
	cmd.Stderr = &told
	if err := cmd.Run(); err != nil {
		t.Fatal(err, told.String())
	}
	runtime.KeepAlive(held)
	var u usage
	if err := json.Unmarshal(told.Bytes(), &u); err != nil {
		t.Fatal(err)
	}
	if u.PeakMemory == 0 || u.PeakMemory > large/2 {
		t.Errorf("%d bytes", u.PeakMemory)
	}
}
