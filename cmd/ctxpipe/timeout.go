package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/spf13/pflag"
)

// timeoutFlag gives a job up whose peers do nothing any more.
type timeoutFlag struct{ after time.Duration }

const leastTimeout = 100 * time.Millisecond

func (f *timeoutFlag) addTo(fs *pflag.FlagSet) {
	fs.DurationVar(&f.after, "timeout", 0, "fail when not a byte has come or gone for so long, as in 5m; 0: wait for ever")
}

func (f *timeoutFlag) check() error {
	if f.after < 0 || f.after > 0 && f.after < leastTimeout {
		return usagef("--timeout takes 100ms or more, or 0 for ever, not %v", f.after)
	}
	return nil
}

// idleError says why a job was given up.
type idleError struct{ after time.Duration }

func (e *idleError) Error() string {
	return fmt.Sprintf("not a byte has come or gone for %v", e.after)
}

// looks is how many times in the duration somebody looks. The looks without progress are
// counted, and not the clock, since a process that was stopped for a while has not waited.
const looks = 8

// watch stops a job that makes no progress, until end is called.
func (f *timeoutFlag) watch(j *job) (end func()) {
	if f.after == 0 {
		return func() {}
	}
	ended := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(f.after / looks)
		defer tick.Stop()
		for moved, idle := int64(0), 0; idle < looks; {
			select {
			case <-ended:
				return
			case <-tick.C:
			}
			if now := j.moved(); now != moved || j.over.Load() {
				moved, idle = now, 0
				continue
			}
			idle++
		}
		j.stop(&idleError{f.after})
	})
	return func() {
		close(ended)
		running.Wait()
	}
}

// grace is how long a job that was stopped may take to end by itself.
const grace = 2 * time.Second

// insist ends the program if a job that was stopped does not end, since a read or write of a
// pipe cannot be interrupted. It does so until end is called, and calls last before.
func (j *job) insist(last func(error)) (end func()) {
	ended := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		select {
		case <-ended:
			return
		case <-j.ctx.Done():
		}
		select {
		case <-ended:
		case <-time.After(grace):
			if j.own.Load() {
				return
			}
			err := context.Cause(j.ctx)
			removeUnfinished()
			// Whoever reads what is said may be the one that is stuck.
			time.AfterFunc(grace, func() { os.Exit(statusOf(err)) })
			last(err)
			os.Exit(finish(err))
		}
	})
	return func() {
		close(ended)
		running.Wait()
	}
}

// explain gives why a job was stopped, if it was, in place of an error that came of it.
func (j *job) explain(err error) error {
	if err == nil || j.ctx.Err() == nil || j.own.Load() {
		return err
	}
	return context.Cause(j.ctx)
}
