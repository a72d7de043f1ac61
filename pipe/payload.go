package pipe

import (
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// recogniseSize is the number of first bytes that recognise has to see.
const recogniseSize = xen.RecogniseSize

// recognise tells the kind of a payload by its first bytes, spec §14. It gives
// PayloadOpaque for everything that it does not know.
func recognise(b []byte) zst.Payload {
	if kind, decided := xen.Recognise(b); decided {
		return payloadOf(kind)
	}
	return zst.PayloadOpaque
}

// payloadOf gives the header's name of a kind, which is the kind's own.
func payloadOf(k xen.Kind) zst.Payload { return zst.Payload(k.String()) }
