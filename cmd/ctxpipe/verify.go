package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/pkg/errors"
	"github.com/spf13/cobra"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/pipe"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

const verifyHelp = `verify reads FILE, or standard input, and checks that it is a save stream of Xen, a
domain context or an HVM context that keeps every rule, at every layer, and is
followed by nothing but what xl migrate sends. It may be compressed.

Exit status 1 and one line on standard error tell a bad one: layer, record, offset,
what is wrong, what was wanted and got, and the rule of docs/spec that was broken.
With --all there is a line for each finding, up to a thousand, as far as the structure can be followed.

With --pass-through it copies standard input to standard output while it checks,
and so can stand in line with a migration. It ends at the first rule that is broken,
and lets nothing out from libxc's END on until the whole stream was good.`

const verifyExamples = `  ctxpipe verify guest.xlsave
  ctxpipe verify --all --json guest.zst
  ctxpipe restore guest.zst | ctxpipe verify --pass-through | xl restore /dev/stdin
  xl save -p guest /dev/stdout | ctxpipe verify --pass-through | ssh dest 'xl restore /dev/stdin'`

type verifyFlags struct {
	bodies, asJSON, quiet, all, pass bool
	window                           windowFlag
}

func newVerify() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:     "verify [FILE]",
		Short:   "Check a save stream or a context by the strict rules",
		Long:    verifyHelp,
		Example: verifyExamples,
		Args:    oneFile,
	}
	fs := cmd.Flags()
	fs.BoolVar(&f.bodies, "bodies", false, "of a domain context, also check what is in SHARED_INFO and TSC_INFO")
	fs.BoolVar(&f.asJSON, "json", false, "print the verdict as JSON, with a digest of all bytes")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "print nothing about a good one")
	fs.BoolVar(&f.all, "all", false, "go on after a finding, and tell all")
	fs.BoolVar(&f.pass, "pass-through", false, "copy standard input to standard output while checking")
	f.window.addTo(fs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if f.pass {
			return f.passThrough(cmd.Context(), args)
		}
		return withInput(args, func(name string, in *os.File) error { return f.verify(os.Stdout, name, in) })
	}
	return cmd
}

// passThrough is verify --pass-through.
func (f *verifyFlags) passThrough(ctx context.Context, args []string) error {
	if f.all || f.asJSON || f.bodies || len(args) > 0 && args[0] != "-" {
		return usagef("--pass-through takes no FILE, and neither --all, --json nor --bodies: nothing passes a finding")
	}
	if _, err := openInput("-"); err != nil {
		return err
	}
	out, err := openOutput("-", false)
	if err != nil {
		return err
	}
	widen(os.Stdin)
	w, err := xen.New(xen.WithStrictness(xen.Verify))
	if err != nil {
		return err
	}
	_, err = pipe.Pass(ctx, out.File, os.Stdin, w)
	return err
}

// verdict is what verify prints as JSON.
type verdict struct {
	Verdict  string      `json:"verdict"` // "good" or "bad"
	Kind     string      `json:"kind,omitempty"`
	Domain   *domain     `json:"domain,omitempty"`   // of an xl stream
	Layout   string      `json:"layout,omitempty"`   // of a domain context, as are
	Xen      *xenVersion `json:"xen,omitempty"`      // these
	Entries  int         `json:"entries,omitempty"`  // three
	Records  int         `json:"records,omitempty"`  // of the layers libxl and libxc
	Pages    int64       `json:"pages,omitempty"`    // with data
	Trailing string      `json:"trailing,omitempty"` // what follows the stream
	Bytes    int64       `json:"bytes,omitempty"`
	SHA256   string      `json:"sha256,omitempty"`        // over all bytes of the payload
	Error    *problem    `json:"error,omitempty"`         // the first finding, or what ended the walk
	Findings []problem   `json:"findings,omitempty"`      // the first thousand
	More     int64       `json:"more_findings,omitempty"` // beyond them
}

type domain struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// mostFindings is how many are told: a stream can have as many as it has bytes.
const mostFindings = 1000

// problem is an error with its place, for programs.
type problem struct {
	Layer   string `json:"layer"`
	Offset  int64  `json:"offset"`
	Entry   int    `json:"entry"`
	Record  string `json:"record,omitempty"`
	Rule    string `json:"rule,omitempty"`
	What    string `json:"what"`
	Wanted  string `json:"wanted,omitempty"`
	Got     string `json:"got,omitempty"`
	Message string `json:"message"`
}

// problemOf gives the place of an error, nil if it has none.
func problemOf(err error) *problem {
	var e *frame.Error
	if !errors.As(err, &e) {
		return nil
	}
	return &problem{e.Layer, e.Offset, e.Index, e.Record, string(e.Rule), e.What, e.Wanted, e.Got, e.Error()}
}

// verify reads the payload of in, compressed or not, and says what it is worth.
func (f *verifyFlags) verify(w io.Writer, name string, in io.Reader) error {
	return withPayload(in, &f.window, func(r io.Reader) error {
		if !f.asJSON {
			v, err := f.judge(r)
			return f.tell(w, name, v, err)
		}
		digest := sha256.New()
		v, err := f.judge(io.TeeReader(r, digest))
		if err == nil { // else not all was read
			v.SHA256 = hex.EncodeToString(digest.Sum(nil))
		}
		return f.tell(w, name, v, err)
	})
}

// withPayload gives work what is in an input, compressed or not, without any
// judgement about it.
func withPayload(in io.Reader, window *windowFlag, work func(io.Reader) error) error {
	opts, err := window.options()
	if err != nil {
		return err
	}
	r, err := pipe.NewRestorer(in, append(opts, pipe.WithForce(), pipe.WithCheck(pipe.CheckOff))...)
	if err != nil {
		return err
	}
	defer r.Close()
	return hintWindow(work(r), 0)
}

// tell prints the verdict.
func (f *verifyFlags) tell(w io.Writer, name string, v verdict, err error) error {
	v.Verdict = "good"
	if err != nil {
		v.Verdict = "bad"
		if v.Error = problemOf(err); v.Error == nil { // the world is bad, not the stream
			return errors.Wrap(err, shown(name))
		}
	}
	var e error
	switch {
	case f.asJSON:
		e = json.NewEncoder(w).Encode(v)
	case err == nil && !f.quiet:
		_, e = fmt.Fprintf(w, "%s: good: %s, %s\n", shown(name), v.description(), count(v.Bytes, "byte", "bytes"))
	}
	if e != nil {
		return e
	}
	for _, p := range v.Findings {
		if v.Error == nil || p != *v.Error {
			say("error", "%s: %s", shown(name), p.Message)
		}
	}
	if v.More > 0 {
		say("note", "%s: %d more findings", shown(name), v.More)
	}
	return errors.Wrap(err, shown(name))
}

// description says in words what was found.
func (v *verdict) description() string {
	switch {
	case v.Layout != "":
		return fmt.Sprintf("domain context, %s layout, Xen %v, %s", v.Layout, v.Xen, count(v.Entries, "entry", "entries"))
	case v.Kind == xen.HVMContext.String():
		return "HVM context"
	}
	s := fmt.Sprintf("%s stream", v.Kind)
	if v.Domain != nil {
		s += fmt.Sprintf(" of %q (%s)", v.Domain.Name, v.Domain.Type)
	}
	s += ", " + count(v.Records, "record", "records") + ", " + count(v.Pages, "page", "pages")
	if v.Trailing != "" {
		s += ", followed by " + v.Trailing
	}
	return s
}
