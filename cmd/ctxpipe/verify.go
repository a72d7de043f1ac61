package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/pkg/errors"
	"github.com/spf13/cobra"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/source"
)

// verdict is what verify prints as JSON.
type verdict struct {
	Verdict string   `json:"verdict"` // "good" or "bad"
	Kind    string   `json:"kind,omitempty"`
	Layout  string   `json:"layout,omitempty"`
	Xen     *xen     `json:"xen,omitempty"`
	Entries int      `json:"entries,omitempty"`
	Bytes   int64    `json:"bytes,omitempty"`
	SHA256  string   `json:"sha256,omitempty"` // over all bytes
	Error   *problem `json:"error,omitempty"`
}

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

func newVerify() *cobra.Command {
	var bodies, asJSON, quiet bool
	cmd := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Check a domain context by the strict rules",
		Long: `verify reads FILE, or standard input, and checks that it is a domain context, of
either layout, that keeps every rule and is followed by nothing.

Exit status 1 and one line on standard error tell a bad one: offset, entry, type,
instance, what is wrong, and the rule of docs/spec/domain-context.md.

  ctxpipe verify context.bin
  ctxpipe restore context.zst | ctxpipe verify --bodies`,
		Args: oneFile,
	}
	cmd.Flags().BoolVar(&bodies, "bodies", false, "also check what is in SHARED_INFO and TSC_INFO")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the verdict as JSON, with a digest of all bytes")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print nothing about a good one")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		return withInput(args, func(name string, in *os.File) error {
			if asJSON {
				return verifyJSON(os.Stdout, name, in, bodies)
			}
			rep, err := verify(in, bodies)
			if err != nil || quiet {
				return errors.Wrap(err, shown(name))
			}
			_, err = fmt.Printf("%s: good: domain context, %v layout, Xen %v, %d entries, %d bytes\n",
				shown(name), rep.Header.Layout, rep.Header.Xen, rep.Entries, rep.Bytes)
			return err
		})
	}
	return cmd
}

func verify(r io.Reader, bodies bool) (source.Report, error) {
	var opts []source.Option
	if bodies {
		opts = append(opts, source.CheckBodies())
	}
	return source.Verify(r, opts...)
}

func verifyJSON(w io.Writer, name string, r io.Reader, bodies bool) error {
	digest := sha256.New()
	rep, err := verify(io.TeeReader(r, digest), bodies)
	v := verdict{Verdict: "good", Kind: "domain-context", Layout: rep.Header.Layout.String(), Xen: &xen{rep.Header.Xen.Major, rep.Header.Xen.Minor},
		Entries: rep.Entries, Bytes: rep.Bytes, SHA256: hex.EncodeToString(digest.Sum(nil))}
	if err != nil {
		v = verdict{Verdict: "bad", Error: problemOf(err)}
		if v.Error == nil { // the world is bad, not the stream
			return errors.Wrap(err, shown(name))
		}
	}
	if e := json.NewEncoder(w).Encode(v); e != nil {
		return e
	}
	return errors.Wrap(err, shown(name))
}

// problemOf gives the place of an error, nil if it has none.
func problemOf(err error) *problem {
	var e *frame.Error
	if !errors.As(err, &e) {
		return nil
	}
	return &problem{e.Layer, e.Offset, e.Index, e.Record, string(e.Rule), e.What, e.Wanted, e.Got, e.Error()}
}
