// Package page makes one self-contained web page of a survey: no scripts, nothing
// to fetch, no contents of the guest's memory.
package page
