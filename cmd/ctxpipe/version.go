package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// version says which version this is, as the build knows it, and what it reads: what
// whoever writes for it may have to know.
func version() string {
	number := "(unknown)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		number = info.Main.Version
	}
	return fmt.Sprintf("%s, %s %s/%s\nreads transport formats %d to %d",
		number, runtime.Version(), runtime.GOOS, runtime.GOARCH, zst.FormatBase, zst.Format)
}
