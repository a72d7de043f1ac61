// Package link is a link between two ends of which the rate can be set, for
// moving streams over real TCP as hosts do.
//
// With the rights for it the two ends are in network namespaces of their own, joined by
// a veth pair whose sending side is shaped by the kernel (tc tbf). Elsewhere
// a connection over the loopback device is slowed down by a token bucket in this process.
// [New] takes the best there is, and says which.
//
// The namespaces have no names, so that they are gone with the process, however it ends.
package link
