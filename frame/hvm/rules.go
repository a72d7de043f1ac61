package hvm

import (
	"fmt"
	"io"

	"github.com/ctxpipe/ctxpipe/frame"
)

// The rules of docs/spec/hvm-context.md that an error can report. The text of
// each is in the specification under its id.
const (
	RuleFirst     frame.Rule = "HV-2"
	RuleMagic     frame.Rule = "HV-3"
	RuleVersion   frame.Rule = "HV-4"
	RuleEndEmpty  frame.Rule = "HV-5"
	RuleTruncated frame.Rule = "HV-6"
	RuleLimit     frame.Rule = "HV-7"
	RuleSecond    frame.Rule = "HV-8"
	RuleTooShort  frame.Rule = "HV-9"
	RuleBehindEnd frame.Rule = "HV-10"
	RuleCalls     frame.Rule = "HV-11"

	RuleType     frame.Rule = "HV-20"
	RuleSize     frame.Rule = "HV-21"
	RuleInstance frame.Rule = "HV-22"
	RuleOrder    frame.Rule = "HV-23"
	RuleRepeat   frame.Rule = "HV-24"
	RuleTrailing frame.Rule = "HV-25"
	RuleNoCPU    frame.Rule = "HV-26"
	RuleReserved frame.Rule = "HV-27"
	RuleXSAVE    frame.Rule = "HV-28"
	RuleMSRs     frame.Rule = "HV-29"
)

// short is the error of a decoder whose body is cut.
func short(t Type, want, got int) error {
	return &frame.Error{
		Layer: Layer, Index: frame.NoIndex, Record: t.Name(), Rule: RuleTruncated, What: "body is cut",
		Wanted: fmt.Sprintf("at least %d bytes", want), Got: fmt.Sprint(got), Err: io.ErrUnexpectedEOF,
	}
}
