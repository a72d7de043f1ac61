package libxl

import "github.com/ctxpipe/ctxpipe/frame"

// The rules of docs/spec/xen-streams.md about this layer.
const (
	RuleCut        frame.Rule = "XS-3"
	RuleIdent      frame.Rule = "XS-30"
	RuleVersion    frame.Rule = "XS-31"
	RuleBigEndian  frame.Rule = "XS-32"
	RuleOptions    frame.Rule = "XS-33"
	RuleType       frame.Rule = "XS-34"
	RuleLimit      frame.Rule = "XS-35"
	RulePadding    frame.Rule = "XS-36"
	RuleEmpty      frame.Rule = "XS-37"
	RuleOneLibxc   frame.Rule = "XS-38"
	RuleFirst      frame.Rule = "XS-39"
	RuleNotHVM     frame.Rule = "XS-40"
	RuleEmulator   frame.Rule = "XS-41"
	RuleEmulatorID frame.Rule = "XS-42"
	RuleXenstore   frame.Rule = "XS-43"
	RuleRepeat     frame.Rule = "XS-44"
	RuleNoEmulator frame.Rule = "XS-45"
	RuleCheckpoint frame.Rule = "XS-46"
	RuleTrailing   frame.Rule = "XS-47"
)
