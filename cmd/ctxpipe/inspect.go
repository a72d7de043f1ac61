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
	"github.com/ctxpipe/ctxpipe/source/xen"
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

const inspectHelp = `inspect reads FILE, or standard input, and shows what is in it: of a save stream of Xen the
domain, its records and pages, its processors and where the bytes are; of a domain
context its entries. It may be compressed. inspect reads as a loader does and shows
what it could of a bad one; verify is the strict judge.

With --html it also writes a page with a picture of the guest's memory, for any
browser and without need of a network.`

const inspectExamples = `  ctxpipe inspect guest.zst
  xl save -c guest /dev/stdout | ctxpipe inspect --html guest.html
  ctxpipe inspect --json guest.xlsave | jq .libxc.pages
  ctxpipe inspect --json context.bin | jq '.entries[] | select(.name == "TSC_INFO")'`

type inspectFlags struct {
	asJSON, verbose, force bool
	html                   string
	window                 windowFlag
}

func newInspect() *cobra.Command {
	var f inspectFlags
	cmd := &cobra.Command{
		Use:     "inspect [FILE]",
		Short:   "Show what is in a save stream or a context",
		Long:    inspectHelp,
		Example: inspectExamples,
		Args:    oneFile,
	}
	fs := cmd.Flags()
	fs.BoolVar(&f.asJSON, "json", false, "print one JSON object")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "show more: all registers that tell where a processor stands")
	fs.StringVar(&f.html, "html", "", "also write a page about a save stream to `FILE`")
	fs.BoolVarP(&f.force, "force", "f", false, "overwrite the page")
	f.window.addTo(fs)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		return withInput(args, func(name string, in *os.File) error {
			return withPayload(in, &f.window, func(r io.Reader) error {
				return errors.Wrap(f.inspect(name, r), shown(name))
			})
		})
	}
	return cmd
}

// inspect shows the payload, whatever it is.
func (f *inspectFlags) inspect(name string, payload io.Reader) error {
	r := bufio.NewReaderSize(payload, 256<<10)
	first, err := r.Peek(xen.RecogniseSize)
	if err != nil && err != io.EOF {
		return err
	}
	kind, decided := xen.Recognise(first)
	if !decided || kind != xen.DomainContext {
		return f.inspectStream(name, r, decided && kind == xen.Opaque)
	}
	if f.html != "" {
		return usagef("--html is for save streams")
	}
	found, err := inspect(r)
	if err == nil || len(found.Entries) > 0 {
		if e := show(os.Stdout, found, f.asJSON); e != nil {
			return e
		}
	}
	return err
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
	r, err := source.NewReader(in, source.WithMarks(), source.WithMaxEntries(xen.DefaultMaxEntries))
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
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t  %s\t%s…\t\n", grouped(e.Offset), e.Typecode, e.Instance, grouped(e.Length), e.Name, e.SHA256[:16])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	state := "complete"
	if !i.Complete {
		state = "NOT complete"
	}
	_, err := fmt.Fprintf(w, "\n%s, %s, %s\n", count(len(i.Entries), "entry", "entries"), count(i.Consumed, "byte", "bytes"), state)
	return err
}
