package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// lookFlags make compress look at compressed files instead of making one, as
// they do of zstd and gzip.
type lookFlags struct {
	test   bool
	list   bool
	asJSON bool
	window windowFlag
}

func (f *lookFlags) addTo(fs *pflag.FlagSet) {
	fs.BoolVarP(&f.test, "test", "t", false, "test compressed files: decode and verify them, write nothing")
	fs.BoolVarP(&f.list, "list", "l", false, "list what is in compressed files without decoding them")
	fs.BoolVar(&f.asJSON, "json", false, "with -l, print one JSON object a line")
	f.window.addTo(fs)
	fs.Lookup("max-window").Usage = "with -t, " + fs.Lookup("max-window").Usage
}

// on says whether compress looks.
func (f *lookFlags) on() bool { return f.test || f.list }

// useful names the flags that mean something together with -t, and with -l.
var useful = map[bool][]string{
	true:  {"test", "quiet", "verbose", "threads", "memory", "max-window"},
	false: {"list", "json", "verbose"},
}

// check refuses flags that have no use beside the others.
func (f *lookFlags) check(fs *pflag.FlagSet) (err error) {
	switch {
	case f.test && f.list:
		return usagef("only one of -t and -l")
	case !f.list && f.asJSON:
		return usagef("--json is for -l")
	case !f.test && f.window.max != 0:
		return usagef("--max-window is for -t")
	case !f.on():
		return nil
	}
	allowed := make(map[string]bool)
	for _, name := range useful[f.test] {
		allowed[name] = true
	}
	fs.Visit(func(flag *pflag.Flag) {
		if err == nil && !allowed[flag.Name] {
			err = usagef("%s has no use with %s", typed(flag), map[bool]string{true: "-t", false: "-l"}[f.test])
		}
	})
	return err
}

// typed gives a flag as people know it.
func typed(flag *pflag.Flag) string {
	if flag.Shorthand != "" {
		return "-" + flag.Shorthand
	}
	return "--" + flag.Name
}

// args takes any number of files to look at, but one at the most to compress.
func (f *lookFlags) args(cmd *cobra.Command, args []string) error {
	if f.on() {
		return nil
	}
	return oneFile(cmd, args)
}

// runLook tests or lists every file.
func runLook(args []string, flags *filterFlags, look *lookFlags, resources *resourceFlags) error {
	if look.test {
		t, err := newTester(flags, look, resources)
		if err != nil {
			return err
		}
		return eachInput(args, t.file)
	}
	l := &lister{w: os.Stdout, asJSON: look.asJSON, verbose: flags.verbose}
	if err := l.head(); err != nil {
		return err
	}
	err := eachInput(args, l.file)
	if e := l.foot(); e != nil {
		return e
	}
	return err
}

// eachInput does work for every input that the arguments name, standard input if
// none. It says what goes wrong with one and goes on with the next; the worst
// decides the exit status. Only what fails of our own output ends it.
func eachInput(args []string, work func(name string) (outputErr, err error)) error {
	if len(args) == 0 {
		args = []string{"-"}
	}
	worst := statusGood
	for _, name := range args {
		outputErr, err := work(name)
		if err != nil {
			sayError(err)
			worst = max(worst, statusOf(err))
		}
		if outputErr != nil {
			return outputErr
		}
	}
	if worst != statusGood {
		return &said{worst}
	}
	return nil
}
