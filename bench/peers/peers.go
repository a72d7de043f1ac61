// Package peers knows the ways to compress a stream that ctxpipe is measured
// beside, and ctxpipe's own: what they are called, how they are run from
// standard input to standard output, and which of them are installed.
package peers

import (
	"context"
	"debug/buildinfo"
	"os/exec"
	"regexp"
	"strings"
	"sync"

	"github.com/ctxpipe/ctxpipe/bench/proc"
	"github.com/ctxpipe/ctxpipe/bench/result"
	"github.com/ctxpipe/ctxpipe/pipe"
)

// Where says in which comparisons a way takes part.
type Where int

// The comparisons.
const (
	Everywhere Where = iota
	CodecOnly        // where it has a fixed place: a level that is not for links
	LinkOnly         // where the slower side matters: levels that follow it
)

// Way is a way to compress and restore.
type Way struct {
	Name     string
	Role     result.Role
	Where    Where
	Compress proc.Command
	Restore  proc.Command
	version  proc.Command
}

// OnLinks says whether the way takes part where streams are moved over links.
func (w Way) OnLinks() bool { return w.Where != CodecOnly }

// OnFiles says whether it takes part where files are compressed.
func (w Way) OnFiles() bool { return w.Where != LinkOnly }

// own gives the ways of ctxpipe, by the program's file name: every level between files, one of them with large
// frames too, and auto over links.
func own(self string) []Way {
	way := func(name string, where Where, args ...string) Way {
		return Way{Name: "ctxpipe " + name, Role: result.Ours, Where: where,
			Compress: append(proc.Command{self, "compress"}, args...), Restore: proc.Command{self, "restore"}}
	}
	var all []Way
	for l := pipe.LevelElide; l < pipe.LevelAuto; l++ {
		args := []string{"--level", l.String()}
		if l == pipe.LevelFast {
			args = append(args, "--wire", "ctxpipe")
		}
		all = append(all, way(l.String(), CodecOnly, args...))
	}
	return append(all,
		way("better, chunk 24M", CodecOnly, "--level", "better", "--chunk", "24M"), // memory for ratio, as --long does
		way("auto", LinkOnly, "--level", "auto"),
		way("auto, wire ctxpipe", LinkOnly, "--level", "auto", "--wire", "ctxpipe"))
}

// others are the peers, from light to heavy. Over links plain goes through no filter at all; cat at both ends
// tells what any filter costs there, though it does nothing.
var others = []Way{
	{Name: "plain", Role: result.Plain, Compress: proc.Command{"cat"}, Restore: proc.Command{"cat"}, version: proc.Command{"cat", "--version"}},
	{Name: "cat at both ends", Role: result.Peer, Where: LinkOnly, Compress: proc.Command{"cat"}, Restore: proc.Command{"cat"}, version: proc.Command{"cat", "--version"}},
	peer("lz4 -1", "lz4 -q -1 -c", "lz4 -q -d -c", "lz4 --version"),
	peer("s2c", "s2c -q -c -", "s2d -q -c -", ""),
	peer("zstd --fast=3", "zstd -q --fast=3 -c", zstdRestore, zstdVersion),
	peer("zstd -1", "zstd -q -1 -c", zstdRestore, zstdVersion),
	peer("zstd -1 -T0", "zstd -q -1 -T0 -c", zstdRestore, zstdVersion),
	peer("zstd -1 --long=27", "zstd -q -1 --long=27 -c", zstdRestore+" --long=27", zstdVersion),
	peer("zstd -1 --long=27 -T0", "zstd -q -1 --long=27 -T0 -c", zstdRestore+" --long=27", zstdVersion),
	peer("zstd -3", "zstd -q -3 -c", zstdRestore, zstdVersion),
	peer("zstd -3 -T0", "zstd -q -3 -T0 -c", zstdRestore, zstdVersion),
	peer("zstd --adapt -T0", "zstd -q --adapt -T0 -c", zstdRestore, zstdVersion),
	peer("pzstd -1", "pzstd -q -1 -c", "pzstd -q -d -c", "pzstd --version"),
	peer("pigz -1", "pigz -1 -c", "pigz -d -c", "pigz --version"),
	peer("xz -0", "xz -0 -T0 -c", "xz -d -T0 -c", "xz --version"),
}

const (
	zstdRestore = "zstd -q -d -c"
	zstdVersion = "zstd --version"
)

func peer(name, compress, restore, version string) Way {
	return Way{Name: name, Role: result.Peer, Compress: strings.Fields(compress), Restore: strings.Fields(restore), version: strings.Fields(version)}
}

// Installed gives ctxpipe's ways, of the program with that file name, and
// those of the peers that are installed here.
func Installed(self string) []Way {
	var found []Way
	for _, w := range others {
		if has(w.Compress[0]) && has(w.Restore[0]) {
			found = append(found, w)
		}
	}
	return append(found, own(self)...)
}

func has(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// Only gives the ways whose names are in the list; those that are in no way's
// name come back as unknown.
func Only(ways []Way, names []string) (some []Way, unknown []string) {
	for _, n := range names {
		before := len(some)
		for _, w := range ways {
			if w.Name == n {
				some = append(some, w)
			}
		}
		if len(some) == before {
			unknown = append(unknown, n)
		}
	}
	return some, unknown
}

// versionNumber is compiled when it is needed: the filters start without it.
var versionNumber = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[0-9]+(\.[0-9]+)+`) })

// Subject describes the way for the record of a run. ctxpipe is called by its name
// there, not by its place.
func (w Way) Subject(ctx context.Context) result.Subject {
	s := result.Subject{Name: w.Name, Role: w.Role, Compress: w.Compress.String(), Restore: w.Restore.String()}
	if w.Role == result.Ours {
		s.Compress = proc.Command(append(proc.Command{"ctxpipe"}, w.Compress[1:]...)).String()
		s.Restore = proc.Command(append(proc.Command{"ctxpipe"}, w.Restore[1:]...)).String()
	}
	switch {
	case len(w.version) > 0:
		out, err := exec.CommandContext(ctx, w.version[0], w.version[1:]...).CombinedOutput()
		if err == nil {
			s.Version = versionNumber().FindString(string(out))
		}
	case w.Role == result.Peer:
		s.Version = goVersion(w.Compress[0])
	}
	return s
}

// goVersion gives the version of a program that Go has built.
func goVersion(program string) string {
	name, err := exec.LookPath(program)
	if err != nil {
		return ""
	}
	info, err := buildinfo.ReadFile(name)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(info.Main.Version, "v")
}
