package bench

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/ctxpipe/ctxpipe/bench/result"
)

// thisMachine describes what the figures come from. What the system does not tell
// stays empty.
func thisMachine() result.Machine {
	m := result.Machine{
		CPU: field("/proc/cpuinfo", "model name"), Processors: runtime.NumCPU(),
		OS: runtime.GOOS + "/" + runtime.GOARCH, Kernel: firstWord("/proc/sys/kernel/osrelease"), Go: runtime.Version(),
	}
	fmt.Sscan(field("/proc/meminfo", "MemTotal"), &m.Memory)
	m.Memory <<= 10
	fmt.Sscan(firstWord("/proc/loadavg"), &m.Load)
	if info, ok := debug.ReadBuildInfo(); ok {
		m.Revision = revision(info.Settings)
		m.Go += instructions(info.Settings)
	}
	return m
}

// revision gives the commit that the program was built from, with a + if the tree
// had changes.
func revision(settings []debug.BuildSetting) string {
	var commit, changed string
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	return commit + changed
}

// instructions gives what the compiler was told about the processors to compile for.
func instructions(settings []debug.BuildSetting) string {
	for _, s := range settings {
		if s.Key == "GO"+strings.ToUpper(runtime.GOARCH) {
			return " with " + s.Key + "=" + s.Value
		}
	}
	return ""
}

// field gives the value of the first line "name : value" of a file.
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func firstWord(file string) string {
	text, _ := os.ReadFile(file)
	word, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	return word
}
