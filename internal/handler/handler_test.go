package handler

import (
	"errors"
	"slices"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Proves: DC-30.
func TestReservedAndRepeatedTypesAreRefused(t *testing.T) {
	var table Table[int]
	for _, typ := range []frame.Type{frame.End, frame.Start} {
		if err := table.Add(typ, "mine", 1); !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("type %d: got %v, want misuse", typ, err)
		}
	}
	if err := table.Add(7, "seven", 1); err != nil {
		t.Fatal(err)
	}
	if err := table.Add(7, "again", 2); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("got %v, want misuse", err)
	}
	if e, ok := table.Get(7); !ok || e.Name != "seven" || e.Func != 1 {
		t.Errorf("the first registration did not stand: %+v", e)
	}
}

func TestAscendingWhateverTheOrderOfRegistration(t *testing.T) {
	var table Table[int]
	for _, typ := range []frame.Type{9, 2, 1 << 20, 5} {
		if err := table.Add(typ, "", 0); err != nil {
			t.Fatal(err)
		}
	}
	var got []frame.Type
	for _, e := range table.Ascending() {
		got = append(got, e.Type)
	}
	if want := []frame.Type{2, 5, 9, 1 << 20}; !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if _, ok := table.Get(3); ok {
		t.Fatal("an unregistered type was found")
	}
}

type domain struct {
	current           bool
	pauseErr, contErr error
	paused, ran       int
}

func (d *domain) Current() bool { return d.current }
func (d *domain) Pause() error {
	if d.pauseErr == nil {
		d.paused++
	}
	return d.pauseErr
}
func (d *domain) Unpause() error { d.paused--; return d.contErr }

// Proves: DC-2.
func TestHoldReleasesOnEveryPath(t *testing.T) {
	failure := errors.New("handler failed")
	stuck := errors.New("cannot unpause")
	for name, c := range map[string]struct {
		d     *domain
		err   error
		panic bool
		want  []error
	}{
		"good":          {d: &domain{}},
		"handler fails": {d: &domain{}, err: failure, want: []error{failure}},
		"release fails": {d: &domain{contErr: stuck}, want: []error{stuck}},
		"both fail":     {d: &domain{contErr: stuck}, err: failure, want: []error{stuck, failure}},
		"panic":         {d: &domain{}, panic: true},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if (recover() != nil) != c.panic {
					t.Error("panic")
				}
				if c.d.paused != 0 || c.d.ran != 1 {
					t.Errorf("paused %d, ran %d times; want 0 and 1", c.d.paused, c.d.ran)
				}
			}()
			err := Hold(c.d, func() error {
				c.d.ran++
				if c.d.paused != 1 {
					t.Error("not paused while it ran")
				}
				if c.panic {
					panic("bug")
				}
				return c.err
			})
			if (err != nil) != (len(c.want) > 0) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			for _, want := range c.want {
				if !errors.Is(err, want) {
					t.Errorf("got %v, want %v in it", err, want)
				}
			}
		})
	}
}

// Proves: DC-3.
func TestHoldRefusesTheOwnDomain(t *testing.T) {
	d := &domain{current: true}
	err := Hold(d, func() error { d.ran++; return nil })
	if !errors.Is(err, frame.ErrMisuse) || d.ran != 0 || d.paused != 0 {
		t.Fatalf("got %v, ran %d, paused %d", err, d.ran, d.paused)
	}
	d = &domain{pauseErr: errors.New("no")}
	if err := Hold(d, func() error { d.ran++; return nil }); err == nil || d.ran != 0 {
		t.Fatalf("ran although the pause failed: %v", err)
	}
	ran := false
	if err := Hold(nil, func() error { ran = true; return nil }); err != nil || !ran {
		t.Fatal("no domain needs no hold")
	}
}
