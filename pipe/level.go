package pipe

import (
	"encoding/json"
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame"
)

// A Level says how much work a data frame is worth. The first six are ways to
// make a frame, from cheapest to dearest, in the order of the seal's levels
// field (spec §7).
type Level int

// The levels.
const (
	// LevelElide takes runs of zeros out and stores the rest as it is.
	LevelElide Level = iota
	// LevelFast is S2, for zst.WireCtxpipe only.
	LevelFast
	// LevelFastest, LevelDefault, LevelBetter and LevelBest are zstd.
	LevelFastest
	LevelDefault
	LevelBetter
	LevelBest
	// LevelAuto chooses among the others, frame by frame, by which side waits.
	LevelAuto

	madeLevels = int(LevelAuto)
)

var levelNames = [...]string{"elide", "fast", "fastest", "default", "better", "best", "auto"}

// String gives the level's name, as ParseLevel takes it.
func (l Level) String() string {
	if l < 0 || int(l) >= len(levelNames) {
		return fmt.Sprintf("level-%d", int(l))
	}
	return levelNames[l]
}

// ParseLevel gives the level of that name. It fails with [frame.ErrMisuse] if
// there is none.
func ParseLevel(name string) (Level, error) {
	for i, n := range levelNames {
		if n == name {
			return Level(i), nil
		}
	}
	return 0, fmt.Errorf("no level has the name %q: %w", name, frame.ErrMisuse)
}

// LevelCounts counts data frames by the level that made them, indexed by
// [LevelElide] to [LevelBest].
type LevelCounts [madeLevels]int64

// MarshalJSON gives an object with the levels' names.
func (c LevelCounts) MarshalJSON() ([]byte, error) {
	m := make(map[string]int64, len(c))
	for i, n := range c {
		m[Level(i).String()] = n
	}
	return json.Marshal(m)
}

// UnmarshalJSON reads what MarshalJSON gives.
func (c *LevelCounts) UnmarshalJSON(b []byte) error {
	var m map[string]int64
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	for i := range c {
		c[i] = m[Level(i).String()]
	}
	return nil
}
