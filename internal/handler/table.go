// Package handler holds what saving and loading have in common on the
// caller's side: the table of handlers by type, and the hold on the domain
// while they run.
package handler

import (
	"cmp"
	"slices"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Entry is a registered type: its code, the name that errors use, and its
// handler.
type Entry[F any] struct {
	Type frame.Type
	Name string
	Func F
}

// Table maps types to handlers. The zero value is empty and ready. It is not
// safe for changes during use.
type Table[F any] struct {
	entries []Entry[F] // ascending by type
}

// Add registers a type. Reserved and repeated types are errors wrapping
// [frame.ErrMisuse], and leave the table as it was.
func (t *Table[F]) Add(typ frame.Type, name string, f F) error {
	if typ.Reserved() {
		return frame.Misuse(frame.RuleReserved, "type %d is reserved", typ)
	}
	i, found := t.find(typ)
	if found {
		return frame.Misuse(frame.RuleReserved, "type %d is registered already, as %q", typ, t.entries[i].Name)
	}
	t.entries = slices.Insert(t.entries, i, Entry[F]{typ, name, f})
	return nil
}

// Get gives the entry of a type.
func (t *Table[F]) Get(typ frame.Type) (Entry[F], bool) {
	i, found := t.find(typ)
	if !found {
		return Entry[F]{}, false
	}
	return t.entries[i], true
}

// Ascending gives all entries in order of type. The caller must not change
// the slice.
func (t *Table[F]) Ascending() []Entry[F] { return t.entries }

func (t *Table[F]) find(typ frame.Type) (int, bool) {
	return slices.BinarySearchFunc(t.entries, typ, func(e Entry[F], typ frame.Type) int {
		return cmp.Compare(e.Type, typ)
	})
}
