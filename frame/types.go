package frame

// Layer is the Layer of an [Error] of this format.
const Layer = "domain-context"

// Type is the type code of an entry (spec §10). Codes without a constant here
// are as good as any: the framework carries what it has no name for.
type Type uint32

// The types that have a meaning. HEADER and START share their number; which
// of the two it is follows from the layout.
const (
	// End closes a context: empty, instance 0.
	End Type = 0
	// Start comes first: HEADER in the compact layout, START in the wide one.
	Start Type = 1
	// SharedInfoType is the guest's shared-info structure (spec §10.1).
	SharedInfoType Type = 2
	// TSCInfoType is the state of the time-stamp counter; x86 only (spec
	// §10.2).
	TSCInfoType Type = 3
)

// names holds the name of each type, compact first.
var names = map[Type][2]string{
	End:            {"END", "END"},
	Start:          {"HEADER", "START"},
	SharedInfoType: {"SHARED_INFO", "SHARED_INFO"},
	TSCInfoType:    {"TSC_INFO", "TSC_INFO"},
}

// Name gives the name of the type in the layout, such as "HEADER", or "" for
// a type that has none.
func (t Type) Name(l Layout) string {
	n := names[t]
	if l == Wide {
		return n[1]
	}
	return n[0]
}

// Reserved says whether the type is the format's own, so that nobody can
// register a handler for it (rule DC-30).
func (t Type) Reserved() bool { return t == End || t == Start }
