package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ctxpipe/ctxpipe/bench"
	"github.com/ctxpipe/ctxpipe/bench/peers"
	benchreport "github.com/ctxpipe/ctxpipe/bench/report"
	"github.com/ctxpipe/ctxpipe/bench/result"
	"github.com/ctxpipe/ctxpipe/bench/saving"
)

const benchHelp = `bench measures ctxpipe beside every other program for the same work that is installed:
cat, zstd, pzstd, lz4, pigz, s2c, xz. All of them run in turn, on the same FILEs, as
whole processes. FILEs are save streams, plain or in zstd; ctxpipe gen makes some up.

  codec  compress each file and restore it: time, processor, ratio, memory
  link   move each file over a link of each rate, through pipes and TCP. With the rights
         to make network namespaces the kernel keeps the rate, else this program does
  save   save domain contexts with everything held, and without
  flat   compress and restore streams of growing length, for the memory that takes

Tables go to standard output; --json keeps every sample. From that --report makes a page
with pictures and without measuring anything.`

const benchExamples = `  ctxpipe bench --parts codec guest.xlsave
  ctxpipe bench --parts link --rates 1G,0 --only plain --only 'zstd -1' --only 'ctxpipe auto' guest.xlsave
  ctxpipe bench --parts codec --json run.json guest.zst && ctxpipe bench --report BENCHMARKS.md run.json`

// benchFlags say what is measured and what becomes of it.
type benchFlags struct {
	rounds    int
	parts     []string
	only      []string
	rates     []string
	saveSizes []string
	flatSizes []string
	json      string
	report    string
	plots     string
	quiet     bool
}

func newBench() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:     "bench [FILE...]",
		Short:   "Measure ctxpipe beside other compressors",
		Long:    benchHelp,
		Example: benchExamples,
	}
	f.addTo(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if f.report != "" {
			return f.writeReport(cmd.Flags(), args)
		}
		plan, err := f.plan(args)
		if err != nil {
			return err
		}
		return f.measure(cmd.Context(), plan)
	}
	return cmd
}

func (f *benchFlags) addTo(fs *pflag.FlagSet) {
	fs.IntVar(&f.rounds, "rounds", 5, "how often each is measured; what is short is more often")
	fs.StringSliceVar(&f.parts, "parts", []string{"codec", "link", "save", "flat"}, "what to measure")
	fs.StringArrayVar(&f.only, "only", nil, "measure only the one of this `NAME`, as the tables call it; may be repeated")
	fs.StringSliceVar(&f.rates, "rates", []string{"100M", "1G", "2.5G", "10G", "0"}, "of the link, in bits a second; 0 for no limit")
	fs.StringSliceVar(&f.saveSizes, "save-sizes", []string{"64K", "1M", "16M", "256M", "1G"}, "of the contexts to save")
	fs.StringSliceVar(&f.flatSizes, "flat-sizes", []string{"16M", "256M", "1G"}, "of the guests whose streams tell the memory")
	fs.StringVar(&f.json, "json", "", "write every sample to `FILE`")
	fs.StringVar(&f.report, "report", "", "make the page `FILE` of a run's JSON, and measure nothing")
	fs.StringVar(&f.plots, "plots", "", "where --report writes its pictures (default docs/plots beside the page)")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "do not tell what is being measured")
}

// plan makes of the flags what bench takes.
func (f *benchFlags) plan(files []string) (bench.Plan, error) {
	p := bench.Plan{Files: files, Rounds: f.rounds, Say: func(what string) {
		if !f.quiet {
			say("note", "%s", what)
		}
	}}
	if f.rounds < 1 || f.rounds > 1000 {
		return p, usagef("--rounds takes 1 to 1000, not %d", f.rounds)
	}
	for _, part := range f.parts {
		var err error
		switch part {
		case "codec":
			p.Codecs = true
		case "link":
			p.Rates, err = each(f.rates, parseRate)
		case "save":
			p.SaveSizes, err = each(f.saveSizes, parseSize)
		case "flat":
			p.FlatSizes, err = each(f.flatSizes, parseSize)
		default:
			err = usagef("--parts takes codec, link, save and flat, not %q", part)
		}
		if err != nil {
			return p, err
		}
	}
	if (p.Codecs || p.Rates != nil) && len(files) == 0 {
		return p, &usageError{errors.New("no FILE to measure with"), "ctxpipe gen -o FILE makes one up; --parts save,flat needs none"}
	}
	return p, f.chooseWays(&p)
}

// chooseWays finds what is installed, and of that what was asked for.
func (f *benchFlags) chooseWays(p *bench.Plan) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p.Self, p.Ways = self, peers.Installed(self)
	if len(f.only) == 0 {
		return nil
	}
	some, unknown := peers.Only(p.Ways, f.only)
	if len(unknown) > 0 {
		return usagef("--only: %q is not here", unknown[0])
	}
	p.Ways = some
	return nil
}

func each(texts []string, parse func(string) (int64, error)) ([]int64, error) {
	var all []int64
	for _, t := range texts {
		n, err := parse(t)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

// parseRate reads bits a second: a number, K, M or G behind it, powers of 1000.
func parseRate(text string) (int64, error) {
	number, unit := text, 1.0
	if i := strings.IndexAny(text, "KMG"); i >= 0 && i == len(text)-1 {
		number, unit = text[:i], map[byte]float64{'K': 1e3, 'M': 1e6, 'G': 1e9}[text[i]]
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || !(f >= 0 && f*unit <= 1e12) || f > 0 && f*unit < 1e5 {
		return 0, usagef("%q is no rate: 100K to 1000G is one, and 0", text)
	}
	return int64(f * unit), nil
}

// measure measures, prints the tables and keeps the samples.
func (f *benchFlags) measure(ctx context.Context, p bench.Plan) error {
	if ctx == nil {
		ctx = context.Background()
	}
	out, err := f.openJSON()
	if err != nil {
		return err
	}
	run, err := bench.Measure(ctx, p)
	if err == nil {
		run.Command = commandWithoutPlaces()
		err = benchreport.Text(os.Stdout, run)
	}
	if out == nil {
		return err
	}
	if err == nil {
		err = run.Write(out)
	}
	return out.done(err)
}

// openJSON opens the file for the samples before an hour is spent on them.
func (f *benchFlags) openJSON() (*output, error) {
	if f.json == "" {
		return nil, nil
	}
	return openOutput(f.json, true)
}

// commandWithoutPlaces gives the command line without the folders of this machine.
func commandWithoutPlaces() []string {
	args := slices.Clone(os.Args)
	for i, a := range args {
		if strings.ContainsRune(a, filepath.Separator) {
			args[i] = filepath.Base(a)
		}
	}
	return args
}

// writeReport makes a page and its pictures of a run.
func (f *benchFlags) writeReport(fs *pflag.FlagSet, args []string) error {
	if len(args) != 1 || fs.Changed("json") {
		return usagef("--report takes the JSON of one run, and makes none")
	}
	in, err := openInput(args[0])
	if err != nil {
		return err
	}
	defer in.Close()
	run, err := result.Read(in)
	if err != nil {
		return badStream(err.Error())
	}
	return benchreport.WriteFiles(run, f.report, f.plots)
}

// newBenchSave is the hidden command that bench runs for each save.
func newBenchSave() *cobra.Command {
	return &cobra.Command{
		Use:    bench.SaveCommand + " WAY BYTES",
		Hidden: true,
		Args:   cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			size, err := parseSize(args[1])
			if err != nil {
				return err
			}
			sample, err := saving.Save(args[0], size, os.Stdout)
			if err != nil {
				return err
			}
			return json.NewEncoder(os.Stderr).Encode(sample)
		},
	}
}
