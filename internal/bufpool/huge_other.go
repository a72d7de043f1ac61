//go:build !linux

package bufpool

// adviseHuge does nothing where nobody can be asked.
func adviseHuge([]byte) {}
