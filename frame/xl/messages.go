package xl

// What `xl migrate` and `xl migrate-receive` say to each other around the stream,
// byte for byte; all but the first end in NUL (spec §8). Each side compares what
// it reads with what it expects, and gives up on anything else.
const (
	// Ready comes from the receiver before the sender writes a byte. It ends in a
	// line feed, without NUL.
	Ready = "xl migration receiver ready, send binary domain data.\n"
	// Received comes from the receiver when it has read the stream up to libxl's
	// END and built the domain, which is paused.
	Received = "domain received, ready to unpause\x00"
	// Clearance comes from the sender, behind the stream, when the receiver may
	// let the guest run. The receiver says the same to a sender that may resume
	// its own guest, once it has reported a failure and destroyed its copy.
	Clearance = "domain is yours, you are cleared to unpause\x00"
	// Results comes from the receiver, with one more byte behind it: [Running],
	// or the code of a failure.
	Results = "my copy unpause results are as follows\x00"
)

// Running is the byte behind [Results] that says that the guest runs at the
// receiver.
const Running byte = 0
