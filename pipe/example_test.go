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
