package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/pkg/errors"
	"github.com/spf13/cobra"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/source"
)

// inspection is what inspect prints as JSON.
type inspection struct {
	Kind     string     `json:"kind"` // "domain-context"
	Layout   string     `json:"layout"`
	Xen      xenVersion `json:"xen"`
	Entries  []entry    `json:"entries"`
	Consumed int64      `json:"consumed"` // bytes up to and with END
	Complete bool       `json:"complete"`
	Error    *problem   `json:"error,omitempty"`
}

type xenVersion struct {
	Major uint32 `json:"major"`
	Minor uint32 `json:"minor"`
}

// String gives "4.17".
func (v xenVersion) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// entry is one entry of the context, HEADER or START and END included.
type entry struct {
	Typecode uint32 `json:"typecode"`
	Name     string `json:"name"` // "UNKNOWN" where the type has none
	Instance uint32 `json:"instance"`
	Length   uint64 `json:"length"` // as in the descriptor
	Offset   int64  `json:"offset"` // of the descriptor
	SHA256   string `json:"sha256"` // over the length bytes behind it
}

func newInspect() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect [FILE]",
		Short: "Show what is in a domain context",
		Long: `inspect reads FILE, or standard input, and lists the entries of the domain context
in it, of either layout. It reads as a loader does, no further than END, and shows
what it could read of a bad one; verify is the strict judge.

  ctxpipe inspect context.bin
  ctxpipe inspect --json context.bin | jq '.entries[] | select(.name == "TSC_INFO")'`,
		Args: oneFile,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		return withInput(args, func(name string, in *os.File) error {
			found, err := inspect(in)
			if err == nil || len(found.Entries) > 0 {
				if e := show(os.Stdout, found, asJSON); e != nil {
					return e
				}
			}
			return errors.Wrap(err, shown(name))
		})
	}
	return cmd
}

// show prints an inspection for a person or a program.
func show(w io.Writer, i inspection, asJSON bool) error {
	out := bufio.NewWriter(w)
	print := printInspection
	if asJSON {
		print = func(w io.Writer, i inspection) error { return json.NewEncoder(w).Encode(i) }
	}
	if err := print(out, i); err != nil {
		return err
	}
	return out.Flush()
}

// inspect walks a context. With an error it gives what came before.
func inspect(in io.Reader) (inspection, error) {
	found := inspection{Kind: frame.Layer}
	r, err := source.NewReader(in, source.WithMarks())
	if err != nil {
		return found, err
	}
	h, err := r.Header()
	if err == nil {
		found.Layout = h.Layout.String()
		found.Xen = xenVersion{h.Xen.Major, h.Xen.Minor}
		found.Entries, err = listEntries(r, h.Layout)
	}
	found.Consumed = r.Consumed()
	found.Complete = err == nil
	if err != nil {
		found.Error = problemOf(err)
	}
	return found, err
}

func listEntries(r *source.Reader, l frame.Layout) ([]entry, error) {
	var list []entry
	digest := sha256.New()
	for e, err := range r.All() {
		if err != nil {
			return list, err
		}
		found := entry{Typecode: uint32(e.Type), Name: e.Type.Name(l), Instance: e.Instance, Length: e.Length, Offset: e.Offset()}
		if found.Name == "" {
			found.Name = "UNKNOWN"
		}
		digest.Reset()
		if _, err := e.WriteTo(digest); err != nil {
			return list, err
		}
		if err := e.End(source.EndStrict); err != nil {
			return list, err
		}
		found.SHA256 = hex.EncodeToString(digest.Sum(nil))
		list = append(list, found)
	}
	return list, nil
}

func printInspection(w io.Writer, i inspection) error {
	fmt.Fprintf(w, "domain context, %s layout, written by Xen %d.%d\n\n", i.Layout, i.Xen.Major, i.Xen.Minor)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "offset\ttype\tinstance\tlength\t  name\tsha256\t")
	for _, e := range i.Entries {
		fmt.Fprintf(t, "%d\t%d\t%d\t%d\t  %s\t%s…\t\n", e.Offset, e.Typecode, e.Instance, e.Length, e.Name, e.SHA256[:16])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	state := "complete"
	if !i.Complete {
		state = "NOT complete"
	}
	_, err := fmt.Fprintf(w, "\n%d entries, %d bytes, %s\n", len(i.Entries), i.Consumed, state)
	return err
}
