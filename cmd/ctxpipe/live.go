package main

import (
	"time"

	"github.com/pkg/errors"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/pipe"
)

// liveFlags are what ssh and send have in common.
type liveFlags struct {
	far       farFlags
	effort    effortFlags
	resources resourceFlags
	pause     pauseFlag
	tellFlags
}

func (f *liveFlags) addTo(cmd *cobra.Command) {
	f.far.addTo(cmd.Flags())
	f.effort.addTo(cmd)
	f.resources.addTo(cmd.Flags())
	f.pause.addTo(cmd.Flags())
	f.tellFlags.addTo(cmd.Flags())
}

// options gives the options of a Compressor for a migration.
func (f *liveFlags) options() ([]pipe.Option, error) {
	opts, err := f.effort.options(nil)
	if err != nil {
		return nil, err
	}
	if f.effort.format < zst.FormatLive {
		return nil, &usageError{
			errors.Errorf("--format %d: a migration is a live stream, which needs format %d", f.effort.format, zst.FormatLive),
			"upgrade ctxpipe on the other host, or move the guest by xl save -p, ctxpipe compress and restore",
		}
	}
	live, err := f.pause.option()
	if err != nil {
		return nil, err
	}
	common, err := f.resources.options()
	for _, o := range common {
		opts = append(opts, o)
	}
	return append(opts, live), err
}

// pauseFlag says how long a pause of the source is.
type pauseFlag struct{ pause time.Duration }

func (f *pauseFlag) addTo(fs *pflag.FlagSet) {
	fs.DurationVar(&f.pause, "pause", pipe.DefaultPause, "what has come leaves when nothing more has for so long, 100µs to 1m")
}

func (f *pauseFlag) option() (pipe.Option, error) {
	if f.pause < 100*time.Microsecond || f.pause > time.Minute {
		return nil, usagef("--pause takes 100µs to 1m, not %v", f.pause)
	}
	return pipe.WithLive(f.pause), nil
}
