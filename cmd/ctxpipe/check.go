package main

import (
	"github.com/spf13/pflag"

	"github.com/ctxpipe/ctxpipe/pipe"
)

// checkFlag says what compress and restore demand of the stream inside.
type checkFlag struct{ name string }

func (f *checkFlag) addTo(fs *pflag.FlagSet) {
	fs.StringVar(&f.name, "check", "auto", "auto: a save stream has to be whole, anything else may be anything; strict: it has to be a save stream that verify finds good; off: do not look")
}

func (f *checkFlag) option() (pipe.CommonOption, error) {
	check, err := pipe.ParseCheck(f.name)
	if err != nil {
		return nil, usagef("--check takes auto, strict or off, not %q", f.name)
	}
	return pipe.WithCheck(check), nil
}

// commonOptions gives the options that compress and restore share.
func commonOptions(r *resourceFlags, c *checkFlag) ([]pipe.CommonOption, error) {
	opts, err := r.options()
	if err != nil {
		return nil, err
	}
	check, err := c.option()
	return append(opts, check), err
}

// holdFlag bounds what restore holds back.
type holdFlag struct{ limit byteSize }

const leastHold = 64 << 10

func (f *holdFlag) addTo(fs *pflag.FlagSet) {
	fs.Var(&f.limit, "hold-limit", "most to hold back of what follows libxc's END, such as an emulator's state (default 64M)")
}

func (f *holdFlag) options() ([]pipe.RestoreOption, error) {
	if f.limit == 0 {
		return nil, nil
	}
	if f.limit < leastHold {
		return nil, usagef("--hold-limit takes 64K or more, not %v", &f.limit)
	}
	return []pipe.RestoreOption{pipe.WithHoldLimit(int64(f.limit))}, nil
}
