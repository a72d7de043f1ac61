package xen

import "github.com/ctxpipe/ctxpipe/frame"

// The rules of docs/spec/xen-streams.md that concern no single layer. Those of
// the layers are in frame/xl, frame/libxl, frame/libxc, frame/hvm and frame.
const (
	RuleUnknown   frame.Rule = "XS-2"
	RuleTruncated frame.Rule = "XS-3"
	RuleCalls     frame.Rule = "XS-4"
)
