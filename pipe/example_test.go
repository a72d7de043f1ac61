package pipe_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/ctxpipe/ctxpipe/pipe"
)

// A payload goes through a Compressor as an io.Writer and comes back through a
// Restorer as an io.Reader.
func Example() {
	var link bytes.Buffer

	c, err := pipe.NewCompressor(&link)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.Copy(c, strings.NewReader("state of a guest\n")); err != nil {
		c.Abort() // without its end the payload must never look complete
	}
	if err := c.Close(); err != nil {
		log.Fatal(err)
	}

	r, err := pipe.NewRestorer(&link)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	if _, err := io.Copy(os.Stdout, r); err != nil {
		log.Fatal(err) // nothing of the last chunk was written
	}
	fmt.Println(r.Info().Kind, r.Info().Frames)
	// Output:
	// state of a guest
	// sealed 1
}

// A part of a payload that is in a file is read without the rest.
func ExampleReaderAt() {
	var file bytes.Buffer
	c, err := pipe.NewCompressor(&file)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.WriteString(c, "state of a guest\n"); err != nil {
		log.Fatal(err)
	}
	if err := c.Close(); err != nil {
		log.Fatal(err)
	}

	r, err := pipe.NewReaderAt(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	p := make([]byte, 5)
	if _, err := r.ReadAt(p, 11); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s of %d bytes\n", p, r.Size())
	// Output:
	// guest of 17 bytes
}

// What is in a file, without decoding it.
func ExampleList() {
	var file bytes.Buffer
	c, err := pipe.NewCompressor(&file)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := c.Write(make([]byte, 3*pipe.DefaultChunk)); err != nil {
		log.Fatal(err)
	}
	if err := c.Close(); err != nil {
		log.Fatal(err)
	}

	l, err := pipe.List(&file)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Kind, l.Frames, l.Content, l.Sealed)
	// Output:
	// sealed 3 6291456 true
}
