package main

import (
	"github.com/spf13/cobra"

	"github.com/ctxpipe/ctxpipe/bench/gen"
	"github.com/ctxpipe/ctxpipe/internal/guestmem"
)

const genHelp = `gen writes the save stream of a guest that never ran, to standard output or to a file:
a whole stream, with a memory of any size, that ctxpipe verify accepts and no Xen
ought to be given. The same options give the same bytes.

--mix says how many of a hundred pages are of each kind: zero, dup (equal to an earlier
one), text, code, pointers, random. With several passes it is the stream of a live
migration, which sends again what the guest changes meanwhile.`

const genExamples = `  ctxpipe gen --memory 64M --seed 7 | ctxpipe compress -o made-up.zst
  ctxpipe gen --memory 64M --mix zero=60,text=20,code=20 --passes 4 | ctxpipe verify`

func newGen() *cobra.Command {
	var output string
	var force bool
	memory := byteSize(256 << 20)
	mix := mixFlag(guestmem.Usual)
	g := gen.Guest{}
	cmd := &cobra.Command{
		Use:     "gen",
		Short:   "Make up the save stream of a guest",
		Long:    genHelp,
		Example: genExamples,
		Args:    cobra.NoArgs,
	}
	fs := cmd.Flags()
	fs.Var(&memory, "memory", "of the guest, 1M to 1T (default 256M)")
	fs.Var(&mix, "mix", "of a hundred pages how many are of each kind; random gets what is left (default "+guestmem.Usual.String()+")")
	fs.Uint64Var(&g.Seed, "seed", 1, "another seed, other pages")
	fs.IntVar(&g.Passes, "passes", 1, "over the memory, as a live migration makes them")
	fs.StringVarP(&output, "output", "o", "", "write to `FILE` instead of standard output; it appears only when complete")
	fs.BoolVarP(&force, "force", "f", false, "overwrite, write to a terminal")
	fs.Lookup("memory").DefValue, fs.Lookup("mix").DefValue = "", ""
	cmd.RunE = func(*cobra.Command, []string) error {
		g.Memory, g.Mix = int64(memory), guestmem.Mix(mix)
		if err := g.Check(); err != nil {
			return usagef("%v", err)
		}
		out, err := openOutput(output, force)
		if err != nil {
			return err
		}
		_, err = g.WriteTo(out.File)
		return out.done(err)
	}
	return cmd
}

// mixFlag is a mix of pages as a flag's value.
type mixFlag guestmem.Mix

// Set reads what was typed.
func (m *mixFlag) Set(text string) error {
	mix, err := guestmem.ParseMix(text)
	*m = mixFlag(mix)
	return err
}

// String gives the mix as Set reads it.
func (m *mixFlag) String() string { return guestmem.Mix(*m).String() }

// Type names the kind of value in help texts.
func (m *mixFlag) Type() string { return "MIX" }
