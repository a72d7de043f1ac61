// Package plot draws two kinds of pictures as SVG: points with the line of those
// that no other beats, and lines over named places. A picture is one file without
// anything to fetch, and follows the reader's preference for light or dark.
package plot
