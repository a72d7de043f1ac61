package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/ctxpipe/ctxpipe/pipe"
)

// screen is the terminal behind standard error, which people and progress share: what is
// said to a person takes the line of progress away first.
var screen sharedScreen

type sharedScreen struct {
	sync.Mutex
	line  *lossy // nil unless it is open
	drawn bool   // a line of progress stands there
}

// open gets ready for lines of progress, if standard error is a terminal.
func (s *sharedScreen) open() bool {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return false
	}
	s.Lock()
	defer s.Unlock()
	s.line = newLossy(int(os.Stderr.Fd()))
	return s.line != nil
}

// draw puts a line where the last one was, unless the screen is busy or somebody
// else's. The cursor stays in front of it, where others begin to write.
func (s *sharedScreen) draw(text string) {
	if !s.TryLock() {
		return
	}
	defer s.Unlock()
	if s.line == nil || s.line.behind() {
		return
	}
	width, _, err := term.GetSize(s.line.fd)
	if err != nil || width <= 0 {
		width = 80
	}
	text = text[:min(len(text), width-1)] // ASCII; a full line would move the cursor on
	s.line.post(fmt.Appendf(nil, "\r%s%s\r", text, eraseRest), 0)
	s.drawn = true
}

// eraseRest erases from the cursor to the end of the line.
const eraseRest = "\x1b[K"

// close takes the line away and draws no more.
func (s *sharedScreen) close() {
	s.Lock()
	defer s.Unlock()
	s.erase()
	if s.line != nil {
		s.line.close()
		s.line = nil
	}
}

// leave takes the line away before the program ends in haste, and lets nobody draw any
// more. It waits for who is drawing, but only for a moment: whoever writes to a terminal that
// is stopped may never be done.
func (s *sharedScreen) leave() {
	for range 20 {
		if s.TryLock() {
			s.erase()
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *sharedScreen) erase() {
	if s.drawn {
		s.line.post([]byte("\r"+eraseRest), 0)
		s.drawn = false
	}
}

// Write writes to standard error, on a fresh line.
func (s *sharedScreen) Write(b []byte) (int, error) {
	s.Lock()
	defer s.Unlock()
	s.erase()
	return os.Stderr.Write(b)
}

// onScreen shows the progress of a job to a person.
type onScreen struct{ command string }

func (v *onScreen) pace() time.Duration { return 200 * time.Millisecond }

// show draws nothing before anything has left: until then somebody behind us may be
// asking for a password.
func (v *onScreen) show(r report) {
	if r.BytesOut > 0 {
		screen.draw(progressText(v.command, r))
	}
}

func (v *onScreen) end(pipe.Stats, error) { screen.close() }
