package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	stderrors "errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/pkg/errors"
	"github.com/spf13/cobra"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/internal/guestmem"
	"github.com/ctxpipe/ctxpipe/pipe"
	"github.com/ctxpipe/ctxpipe/sink"
)

// demoType is the type of the entries that carry the made-up memory. The
// framework carries types that it has no name for.
const demoType frame.Type = 0x100

// demoEntry is how much memory an entry of the demonstration carries.
const demoEntry = 4 << 20

func newDemo() *cobra.Command {
	var mebibytes int
	var seed uint64
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole way of a stream, without Xen",
		Long: `demo makes a domain context with pages that look like a guest's memory and sends it
through real pipes and processes, by ctxpipe compress, restore and verify, and tells whether what
came out is what went in.`,
		Example: `  ctxpipe demo
  ctxpipe demo --size 16 --seed 7`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().IntVar(&mebibytes, "size", 256, "how much memory to make, in `MiB`")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "another seed, other pages")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if mebibytes < 1 || mebibytes > 1<<20 {
			return usagef("--size takes 1 to %d MiB", 1<<20)
		}
		d, err := demonstrate(cmd.Context(), int64(mebibytes)<<20, seed)
		if err != nil {
			return err
		}
		return d.print(os.Stdout)
	}
	return cmd
}

// demonstration is what was seen.
type demonstration struct {
	memory  int64
	made    string // digest of what went in
	out     verdict
	packed  pipe.Stats
	seconds float64
}

// demonstrate runs the three commands and feeds them.
func demonstrate(ctx context.Context, memory int64, seed uint64) (demonstration, error) {
	d := demonstration{memory: memory}
	if ctx == nil {
		ctx = context.Background()
	}
	line, err := newPipeline(ctx, []string{"compress", "--stats", "-"}, []string{"restore"}, []string{"verify", "--bodies", "--json"})
	if err != nil {
		return d, err
	}
	began := time.Now()
	if err := line.start(); err != nil {
		return d, err
	}
	digest := sha256.New()
	makeErr := makeContext(ctx, io.MultiWriter(line.in, digest), memory, seed)
	d.made = hex.EncodeToString(digest.Sum(nil))
	waitErr := line.wait()
	d.seconds = time.Since(began).Seconds()
	if err := stderrors.Join(waitErr, makeErr); err != nil {
		return d, err
	}
	if err := json.Unmarshal(line.errs[0].Bytes(), &d.packed); err != nil {
		return d, errors.Wrap(err, "statistics of compress")
	}
	return d, errors.Wrap(json.Unmarshal(line.out.Bytes(), &d.out), "verdict of verify")
}

// makeContext writes a context with that many bytes of made-up memory to w.
// A dry run tells the lengths, so that nothing of it is held.
func makeContext(ctx context.Context, w io.Writer, memory int64, seed uint64) error {
	var reg sink.Registry
	tsc := frame.TSCInfo{KHz: 2_400_000, Nanoseconds: 1e12, Incarnation: 1}
	err := reg.Register(frame.TSCInfoType, "TSC_INFO", func(w *sink.Writer) error {
		return w.Entry(frame.TSCInfoType, 0, tsc.Append(nil, w.Layout()))
	})
	if err != nil {
		return err
	}
	pages := make([]byte, 64*guestmem.PageSize)
	err = reg.Register(demoType, "DEMO", func(w *sink.Writer) error {
		for done := int64(0); done < memory; done += demoEntry {
			e, err := w.Begin(demoType, uint32(done/demoEntry))
			if err != nil {
				return err
			}
			if err := appendMemory(e, w.Dry(), pages, seed, done, min(demoEntry, memory-done)); err != nil {
				return err
			}
			if err := e.End(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return reg.SaveTo(ctx, nil, w, sink.WithXen(frame.XenVersion{Major: 4, Minor: 20}), sink.WithLayout(frame.Wide))
}

// appendMemory appends n bytes of memory from offset from on.
func appendMemory(e sink.Entry, dry bool, pages []byte, seed uint64, from, n int64) error {
	if dry {
		return e.Count(uint64(n))
	}
	for n > 0 {
		p := pages[:min(int64(len(pages)), n)]
		guestmem.Fill(p, seed, int(from/guestmem.PageSize))
		if err := e.Append(p); err != nil {
			return err
		}
		from, n = from+int64(len(p)), n-int64(len(p))
	}
	return nil
}

// print tells it to a person. A difference is an error.
func (d demonstration) print(w io.Writer) error {
	if d.out.Verdict != "good" || d.out.SHA256 != d.made {
		return errors.Errorf("what came out is not what went in: sha256 %s, not %s", d.out.SHA256, d.made)
	}
	_, err := fmt.Fprintf(w, `stream    %s: a domain context, %s layout, %s, %s of made-up guest memory
compress  %s in %s, ratio %.2f
way       demo | ctxpipe compress | ctxpipe restore | ctxpipe verify: 4 processes, 3 pipes
rate      %s/s over the whole way, %.2f s
verdict   good: verify read the bytes that demo wrote, sha256 %s
`,
		count(d.out.Bytes, "byte", "bytes"), d.out.Layout, count(d.out.Entries, "entry", "entries"), size(d.memory),
		count(d.packed.BytesOut, "byte", "bytes"), count(d.packed.Frames, "frame", "frames"), ratio(d.packed.BytesIn, d.packed.BytesOut),
		size(rate(d.out.Bytes, d.seconds)), d.seconds, d.made)
	return err
}

// pipeline is this program several times over, joined by pipes.
type pipeline struct {
	in   *os.File        // of the first
	out  bytes.Buffer    // of the last
	errs []*bytes.Buffer // standard error of each
	cmds []*exec.Cmd
	ends []*os.File // our copies of the children's ends
}

func newPipeline(ctx context.Context, commands ...[]string) (*pipeline, error) {
	self, err := exec.LookPath(os.Args[0])
	if err != nil {
		return nil, errors.Wrap(err, "find this program")
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	line := &pipeline{in: w}
	for i, args := range commands {
		cmd := exec.CommandContext(ctx, self, args...)
		line.errs = append(line.errs, new(bytes.Buffer))
		cmd.Stdin, cmd.Stderr = r, line.errs[i]
		line.ends = append(line.ends, r)
		if i == len(commands)-1 {
			cmd.Stdout = &line.out
		} else {
			if r, w, err = os.Pipe(); err != nil {
				line.closeEnds()
				return nil, err
			}
			cmd.Stdout = w
			line.ends = append(line.ends, w)
		}
		line.cmds = append(line.cmds, cmd)
	}
	return line, nil
}

func (l *pipeline) closeEnds() {
	for _, f := range l.ends {
		f.Close()
	}
	l.ends = nil
}

// start starts all of them and lets go of their ends, so that each sees the
// end of what the one before wrote.
func (l *pipeline) start() error {
	defer l.closeEnds()
	for i, cmd := range l.cmds {
		if err := cmd.Start(); err != nil {
			l.in.Close()
			for _, started := range l.cmds[:i] {
				started.Process.Kill()
				started.Wait()
			}
			return err
		}
	}
	return nil
}

// wait closes the pipeline's input and waits for all of them. The first to
// fail is the one to hear: those behind it fail for its sake.
func (l *pipeline) wait() error {
	l.in.Close()
	var first error
	for i, cmd := range l.cmds {
		if err := cmd.Wait(); err != nil && first == nil {
			first = errors.Errorf("%s: %v: %s", cmd.Args[1], err, oneLine(errors.New(l.errs[i].String())))
		}
	}
	return first
}
