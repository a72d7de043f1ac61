package frame

// Order judges the succession of entries by the strict rules: types never
// fall (DC-20), and no type and instance occur twice (DC-21). Who writes and
// who verifies both ask it. The zero value is ready for the first entry after
// HEADER or START. It costs memory for the instances of one type at a time.
type Order struct {
	last  Type
	some  bool                // of type last, of which most have one instance:
	first uint32              // it,
	more  map[uint32]struct{} // and the others
}

// Next judges the entry that follows those judged before; HEADER, START and
// END are not put before it. It returns the rule that d breaks and what is
// wrong in words, or "" for both.
func (o *Order) Next(d Descriptor) (broken Rule, what string) {
	if d.Type < o.last {
		return RuleOrder, "types must not fall from one entry to the next"
	}
	if d.Type > o.last {
		clear(o.more)
		o.last, o.some = d.Type, false
	}
	if !o.some {
		o.some, o.first = true, d.Instance
		return "", ""
	}
	if _, again := o.more[d.Instance]; again || d.Instance == o.first {
		return RuleRepeat, "the same type and instance occurred before"
	}
	if o.more == nil {
		o.more = make(map[uint32]struct{})
	}
	o.more[d.Instance] = struct{}{}
	return "", ""
}
