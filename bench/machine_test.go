package bench

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestBuildIsTold(t *testing.T) {
	arch := "GO" + strings.ToUpper(runtime.GOARCH)
	settings := []debug.BuildSetting{
		{Key: "GOOS", Value: "plan9"}, {Key: arch, Value: "v9"},
		{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"},
	}
	if got := revision(settings); got != "0123456789ab+" {
		t.Errorf("revision %q", got)
	}
	if got, want := instructions(settings), " with "+arch+"=v9"; got != want {
		t.Errorf("instructions %q, want %q", got, want)
	}
	if got := revision(nil) + instructions(nil); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}
