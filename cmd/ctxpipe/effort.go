package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/pipe"
)

// effortFlags say how hard compress works, and for whom.
type effortFlags struct {
	level  string
	digits [10]bool // -1 to -9
	wire   string
	chunk  byteSize
	verify bool
	format int
}

func (f *effortFlags) addTo(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.level, "level", "", "auto, elide, fast, fastest, default, better or best (default auto; fastest where the output is a file)")
	for d := 1; d <= 9; d++ {
		name := "level-" + strconv.Itoa(d)
		fs.BoolVarP(&f.digits[d], name, strconv.Itoa(d), false, "")
		fs.Lookup(name).Hidden = true
	}
	fs.StringVar(&f.wire, "wire", "zstd", "zstd: any zstd can read it; ctxpipe: only ctxpipe can, and --level fast is allowed")
	fs.Var(&f.chunk, "chunk", "most content of a frame, 64K to 64M (default 2M; 6M for --level default, 8M for better and best)")
	fs.BoolVar(&f.verify, "verify-encode", false, "decode each frame and compare it before it leaves")
	fs.IntVar(&f.format, "format", zst.Format, "write for a ctxpipe that reads transport formats up to `N`; ctxpipe --version tells")
}

// options gives the options of the flags for that output.
func (f *effortFlags) options(out *os.File) ([]pipe.Option, error) {
	level, err := f.levelFor(out)
	if err != nil {
		return nil, err
	}
	if f.format < zst.FormatBase || f.format > zst.Format {
		return nil, usagef("--format takes %d to %d, not %d", zst.FormatBase, zst.Format, f.format)
	}
	opts := []pipe.Option{pipe.WithLevel(level), pipe.WithFormat(f.format)}
	switch f.wire {
	case "zstd":
	case "ctxpipe":
		opts = append(opts, pipe.WithWire(zst.WireCtxpipe))
	default:
		return nil, usagef("--wire takes zstd or ctxpipe, not %q", f.wire)
	}
	if level == pipe.LevelFast && f.wire != "ctxpipe" {
		return nil, &usageError{fmt.Errorf("--level fast makes a stream that only ctxpipe reads"), "say so with --wire ctxpipe"}
	}
	if f.chunk != 0 {
		if f.chunk < pipe.MinChunk || f.chunk > pipe.MaxChunk {
			return nil, usagef("--chunk takes 64K to 64M, not %v", &f.chunk)
		}
		opts = append(opts, pipe.WithChunk(int(f.chunk)))
	}
	if f.verify {
		opts = append(opts, pipe.WithVerifyEncode())
	}
	return opts, nil
}

// levelFor gives the level that was asked for. Without a word about it, a link
// is what level auto is for; a file takes bytes as fast as they come, so that
// auto would hardly compress, which is not what people want of files.
func (f *effortFlags) levelFor(out *os.File) (pipe.Level, error) {
	name := f.level
	for d, set := range f.digits {
		if !set {
			continue
		}
		if name != "" {
			return 0, usagef("only one level, not -%d and another", d)
		}
		name = shorthand(d).String()
	}
	if name != "" {
		level, err := pipe.ParseLevel(name)
		if err != nil {
			return 0, usagef("--level takes auto, elide, fast, fastest, default, better or best, not %q", name)
		}
		return level, nil
	}
	if info, err := out.Stat(); err == nil && info.Mode().IsRegular() {
		return pipe.LevelFastest, nil
	}
	return pipe.LevelAuto, nil
}

// shorthand gives the level that stands for one of zstd's.
func shorthand(digit int) pipe.Level {
	switch {
	case digit < 3:
		return pipe.LevelFastest
	case digit < 6:
		return pipe.LevelDefault
	case digit < 8:
		return pipe.LevelBetter
	}
	return pipe.LevelBest
}
