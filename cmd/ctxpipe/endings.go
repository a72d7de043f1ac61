package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
)

// unfinished names the files to be removed if the program ends in haste.
var unfinished = nameSet{names: make(map[string]bool)}

type nameSet struct {
	sync.Mutex
	names map[string]bool
}

func (s *nameSet) add(name string) {
	s.Lock()
	defer s.Unlock()
	s.names[name] = true
}

// create makes a file of such a name, and adds that before anybody can remove what is there.
func (s *nameSet) create(dir, pattern string) (*os.File, error) {
	s.Lock()
	defer s.Unlock()
	f, err := os.CreateTemp(dir, pattern)
	if err == nil {
		s.names[f.Name()] = true
	}
	return f, err
}

func (s *nameSet) remove(name string) {
	s.Lock()
	defer s.Unlock()
	delete(s.names, name)
}

// endings are the signals that ask the program to end, as a terminal does when it goes
// away. One that whoever started us has us ignore, as nohup does, is none.
var endings = slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}, signal.Ignored)

// signals are those that end the program, unless a command has taken them over.
var signals = make(chan os.Signal, 1)

// cleanUpOnSignals removes unfinished files before the program ends by a signal. A broken
// pipe is an error like any other: the signal would leave those files.
func cleanUpOnSignals() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signal.Notify(signals, endings...)
	go func() {
		sig := <-signals
		screen.leave()
		removeUnfinished()
		os.Exit(statusOfSignal(sig))
	}()
}

// removeUnfinished makes ready to end in haste.
func removeUnfinished() {
	unfinished.Lock() // for ever: nothing gets its name any more
	for name := range unfinished.names {
		os.Remove(name)
	}
}

// takeSignals gives a context that a signal ends, instead of the program.
func takeSignals(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, end := signal.NotifyContext(parent, endings...)
	signal.Stop(signals) // behind that: one that nobody waits for kills
	return ctx, end
}

// takeSignals lets a signal stop a job, until end is called, instead of ending the
// program.
func (j *job) takeSignals() (end func()) {
	taken := make(chan os.Signal, 1)
	signal.Notify(taken, endings...)
	signal.Stop(signals) // behind that: one that nobody waits for kills
	go func() {
		select {
		case sig := <-taken:
			j.stop(&said{statusOfSignal(sig)})
		case <-j.ctx.Done():
		}
	}()
	return func() { signal.Stop(taken) }
}

// statusOfSignal gives what shells report of a program that a signal has ended.
func statusOfSignal(sig os.Signal) int {
	if n, ok := sig.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return statusIO
}
