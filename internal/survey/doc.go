// Package survey counts what is in a save stream: records, pages by kind,
// processors, and bytes by layer. It keeps numbers, never contents, and its
// memory is bounded whatever a stream says.
package survey
