package main

import (
	"fmt"
	"io"
	"os"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/pipe"
)

// tester is compress -t.
type tester struct {
	opts           []pipe.RestoreOption
	memory         byteSize
	quiet, verbose bool
}

func newTester(flags *filterFlags, look *lookFlags, resources *resourceFlags) (*tester, error) {
	opts, err := look.window.options()
	if err != nil {
		return nil, err
	}
	common, err := resources.options()
	if err != nil {
		return nil, err
	}
	for _, o := range common {
		opts = append(opts, o)
	}
	return &tester{opts: opts, memory: resources.memory, quiet: flags.quiet, verbose: flags.verbose}, nil
}

// errNotCompressed is what raw input gets.
var errNotCompressed = badStream("not compressed: there is nothing to test")

// file tests one input and says in a line that it is good.
func (t *tester) file(name string) (outputErr, err error) {
	err = withInput([]string{name}, func(_ string, in *os.File) error {
		r, err := pipe.NewRestorer(in, t.opts...)
		if err != nil {
			return optionError(err)
		}
		defer r.Close()
		n, err := r.WriteTo(nowhere{r})
		info := r.Info()
		switch {
		case info.Kind == pipe.Raw:
			return errNotCompressed
		case err != nil:
			return hintWindow(err, t.memory)
		case t.quiet:
			return nil
		}
		outputErr = t.good(os.Stdout, name, n, info)
		if t.verbose {
			sayStats("test", r.Stats())
		}
		return nil
	})
	return outputErr, errors.Wrap(err, shown(name))
}

// good says that an input is.
func (t *tester) good(w io.Writer, name string, bytes int64, info pipe.Info) error {
	verdict := "good"
	if info.Kind == pipe.Foreign {
		verdict = "good by zstd's own checks, which do not see a cut between frames"
	}
	_, err := fmt.Fprintf(w, "%s: %v, %s, %s, %s\n", shown(name), info.Kind, count(info.Frames, "frame", "frames"), size(bytes), verdict)
	return err
}

// nowhere takes the payload of what is compressed.
type nowhere struct{ r *pipe.Restorer }

func (n nowhere) Write(p []byte) (int, error) {
	if n.r.Info().Kind == pipe.Raw {
		return 0, errNotCompressed // there may be much of it
	}
	return len(p), nil
}
