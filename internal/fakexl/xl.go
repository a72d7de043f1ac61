package fakexl

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pkg/errors"
	"github.com/spf13/pflag"
)

// call is one run of xl or ssh.
type call struct {
	dir    Dir
	host   string
	faults []*fault
}

// commands are xl's.
var commands map[string]func(c *call, args []string) error

func init() { // since faults, which they need, look into it
	commands = map[string]func(c *call, args []string) error{
		"create":          create,
		"list":            list,
		"domid":           domid,
		"rename":          rename,
		"pause":           pause,
		"unpause":         unpause,
		"destroy":         destroy,
		"save":            save,
		"restore":         restore,
		"migrate":         migrate,
		"migrate-receive": receive,
	}
}

// usageError is a slip of the caller, with status 2.
type usageError string

func (e usageError) Error() string { return string(e) }

// XL is the main function of xl. It does not return.
func XL() {
	err := runXL(os.Args[1:])
	if err == nil {
		os.Exit(0)
	}
	say("%v", err) // as the real one, without its name
	var usage usageError
	if errors.As(err, &usage) {
		os.Exit(2)
	}
	os.Exit(1)
}

func runXL(args []string) error {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") && strings.Trim(args[0], "-vftTN") == "" {
		args = args[1:] // how much it says
	}
	if len(args) == 0 || commands[args[0]] == nil {
		return usageError("what command?")
	}
	c, err := newCall(host(), args[0], append([]string{"xl"}, args...))
	if err != nil {
		return err
	}
	if err := c.at(""); err != nil {
		return err
	}
	return commands[args[0]](c, args[1:])
}

func host() string {
	if h := os.Getenv("FAKEXL_HOST"); h != "" {
		return h
	}
	return "here"
}

// newCall looks at the environment, and notes the command in the log.
func newCall(at, command string, args []string) (*call, error) {
	c := &call{dir: Dir(os.Getenv("FAKEXL_DIR")), host: at}
	if c.dir == "" || strings.ContainsAny(at, `/\`) {
		return nil, usageError("FAKEXL_DIR and FAKEXL_HOST name no place")
	}
	var err error
	if c.faults, err = faults(os.Getenv("FAKEXL_FAIL"), at, command); err != nil {
		return nil, usageError(err.Error())
	}
	c.dir.note("log", fmt.Sprintf("%s %d %s", host(), os.Getpid(), strings.ReplaceAll(strings.Join(args, " "), "\n", " ")))
	return c, nil
}

// options parses options with letters only, of which those in ignored do
// nothing, and demands min to max arguments.
func options(args []string, ignored string, min, max int, define func(*pflag.FlagSet)) ([]string, error) {
	f := pflag.NewFlagSet("xl", pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	for _, letter := range strings.Split(ignored, "") {
		f.BoolP("ignored-"+letter, letter, false, "")
	}
	if define != nil {
		define(f)
	}
	if err := f.Parse(args); err != nil {
		return nil, usageError(err.Error())
	}
	if n := f.NArg(); n < min || n > max {
		return nil, usageError(fmt.Sprintf("%d arguments", n))
	}
	return f.Args(), nil
}

// say tells a person something.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
