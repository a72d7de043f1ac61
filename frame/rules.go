package frame

// The rules of docs/spec/domain-context.md that an [Error] can report. The
// text of each is in the specification under its id.
const (
	RuleOwnDomain    Rule = "DC-3"
	RuleFirst        Rule = "DC-5"
	RuleHeaderInst   Rule = "DC-7"
	RuleMagic        Rule = "DC-8"
	RuleVersion      Rule = "DC-9"
	RuleHeaderExcess Rule = "DC-10"
	RuleEndInst      Rule = "DC-11"
	RuleEndBody      Rule = "DC-12"
	RulePadding      Rule = "DC-13"
	RuleStartLength  Rule = "DC-14"
	RuleEndLength    Rule = "DC-15"

	RuleOrder      Rule = "DC-20"
	RuleRepeat     Rule = "DC-21"
	RuleFieldFits  Rule = "DC-22"
	RuleLengthFits Rule = "DC-23"
	RuleNoEnd      Rule = "DC-24"
	RuleCalls      Rule = "DC-25"
	RulePlan       Rule = "DC-29"
	RuleReserved   Rule = "DC-30"

	RuleTruncated    Rule = "DC-40"
	RuleLimit        Rule = "DC-41"
	RuleSecondHeader Rule = "DC-42"
	RuleType         Rule = "DC-43"
	RuleLeftover     Rule = "DC-44"
	RulePastEnd      Rule = "DC-45"
	RulePosition     Rule = "DC-46"

	RuleHeaderLength Rule = "DC-60"
	RuleAligned      Rule = "DC-61"
	RuleEndEmpty     Rule = "DC-64"
	RuleTrailing     Rule = "DC-65"

	RuleSingle     Rule = "DC-70"
	RuleFlags      Rule = "DC-71"
	RuleBufferSize Rule = "DC-72"
	RuleInfoLength Rule = "DC-73"
	RuleTSCLength  Rule = "DC-74"
	RuleTSCMode    Rule = "DC-75"
)
