// Command report runs the reliability tests and the fuzz targets, and makes docs/reliability.md of
// what they tell:
//
//	go run ./internal/faults/report
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/ctxpipe/ctxpipe/internal/faults"
)

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 300, "how many processes of pipelines to kill")
	fuzz := flag.String("fuzz", "20000x", "how long to run each fuzz target, as .ci/fuzz takes it")
	flag.Parse()
	// By itself, since a process counts as its own what the test that started it had.
	rows, err := tested("-run=^TestReliabilityHostileInput$")
	if err != nil {
		log.Fatal(err)
	}
	others, err := tested("-run=^TestReliability", "-skip=^TestReliabilityHostileInput$", "-args", fmt.Sprintf("-rounds=%d", *rounds))
	if err != nil {
		log.Fatal(err)
	}
	rows = append(rows, others...)
	targets, err := fuzzed(*fuzz)
	if err != nil {
		log.Fatal(err)
	}
	rooms, err := covered()
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("docs/reliability.md", page(rows, targets, rooms), 0o644); err != nil {
		log.Fatal(err)
	}
}

// tested runs the tests, and gives what they have told. A test that fails is an error: there
// is nothing to report of what does not hold.
func tested(args ...string) ([]faults.Row, error) {
	cmd := exec.Command("go", append([]string{"test", "./cmd/ctxpipe", "-json", "-count=1", "-timeout=30m"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	rows, err := told(out)
	if err != nil {
		return nil, err
	}
	return rows, cmd.Wait()
}

// told reads the rows out of what go test says, and shows what it says of failures.
func told(r io.Reader) (rows []faults.Row, err error) {
	for d := json.NewDecoder(r); ; {
		var e struct{ Action, Test, Key, Value, Output string }
		if err := d.Decode(&e); err == io.EOF {
			return rows, nil
		} else if err != nil {
			return nil, err
		}
		switch {
		case e.Action == "attr" && e.Key == faults.Key:
			var row faults.Row
			if err := json.Unmarshal([]byte(e.Value), &row); err != nil {
				return nil, err
			}
			rows = append(rows, row)
		case strings.Contains(e.Output, "FAIL") || strings.Contains(e.Output, "_test.go:"):
			log.Print(strings.TrimSuffix(e.Output, "\n"))
		}
	}
}

// A target is a fuzz target and how often it was run.
type target struct{ room, name, runs string }

var (
	began = regexp.MustCompile(`^fuzz github\.com/ctxpipe/ctxpipe/(\S+) (Fuzz\w+)$`)
	runs  = regexp.MustCompile(`^fuzz: elapsed: .*, execs: ([0-9]+) `)
)

// fuzzed runs all fuzz targets.
func fuzzed(count string) ([]target, error) {
	cmd := exec.Command(".ci/fuzz", count)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var all []target
	for s := bufio.NewScanner(out); s.Scan(); {
		if m := began.FindStringSubmatch(s.Text()); m != nil {
			all = append(all, target{m[1], m[2], "0"})
			log.Print(s.Text())
		}
		if m := runs.FindStringSubmatch(s.Text()); m != nil && len(all) > 0 {
			all[len(all)-1].runs = m[1]
		}
	}
	return all, cmd.Wait()
}

// A coverage is how much of a room its own tests run.
type coverage struct{ room, part string }

var ran = regexp.MustCompile(`(?m)^ok\s+github\.com/ctxpipe/ctxpipe/(\S+)\s.*coverage: ([0-9.]+%) of statements`)

// covered runs all tests, and gives how much of each room they cover.
func covered() (rooms []coverage, err error) {
	cmd := exec.Command("go", "test", "-count=1", "-timeout=30m", "-cover", "./...")
	out, err := cmd.Output()
	if err != nil {
		os.Stderr.Write(out)
	}
	for _, m := range ran.FindAllSubmatch(out, -1) {
		rooms = append(rooms, coverage{string(m[1]), string(m[2])})
	}
	return rooms, err
}

const head = "# Reliability\n\n" +
	"This page is made by `go run ./internal/faults/report`, of what tests have told while they ran; the same tests run\n" +
	"in CI. They fail if a result that was called good is not the input byte for byte, if anything comes out from libxc's END on of\n" +
	"what was not, if a file is left, if a process or a command that it has started does not end, or if anything panics.\n" +
	"[design.md](design.md#trust) says what is behind them.\n"

// page makes the page.
func page(rows []faults.Row, targets []target, rooms []coverage) []byte {
	var b bytes.Buffer
	b.WriteString(head)
	b.WriteString("\n## Faults\n\nOf each command *whole* counts the rounds in which all came out and was called good, *refused* those with an error, and\n" +
		"without an end that could start a guest. Behind `--` and `ssh` another command has the output: `cat`, which gives up where it would\n" +
		"have to wait.\n\n| fault | command | rounds | outcomes |\n|---|---|---:|---|\n")
	total := 0
	for _, r := range merged(rows) {
		fmt.Fprintf(&b, "| %s | %s | %d | %s |\n", r.Fault, cell(r.Command), r.Rounds, outcomes(r.Came))
		total += r.Rounds
	}
	fmt.Fprintf(&b, "\n%d rounds in all.\n", total)
	fmt.Fprintf(&b, "\n## Hostile input\n\nEach goes on for up to %d MiB behind what it claims, into commands whose data may take %d MiB, and of whose memory at\n"+
		"most %d MiB may be resident. A limit is where it is stopped; *constant memory* means that it passes, or breaks a rule in the\n"+
		"end, and nothing is kept.\n\n| layer | input | stopped by | commands | peak memory |\n|---|---|---|---:|---:|\n",
		faults.Much>>20, faults.Ceiling>>20, faults.MostResident>>20)
	for _, r := range rows {
		if r.Table == "hostile" {
			fmt.Fprintf(&b, "| %s | %s | %s | %d | %d MiB |\n", r.Command, r.Fault, r.Stopped, r.Rounds, (r.Peak+1<<19)>>20)
		}
	}
	b.WriteString("\n## Fuzzing\n\n| room | target | executions |\n|---|---|---:|\n")
	for _, t := range targets {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", t.room, t.name, t.runs)
	}
	b.WriteString("\n## Coverage\n\nOf each room, by its own tests.\n\n" +
		"| room | statements |\n|---|---:|\n")
	for _, r := range rooms {
		fmt.Fprintf(&b, "| %s | %s |\n", r.room, r.part)
	}
	return b.Bytes()
}

// merged gives the faults in order, with what several tests tell of the same put together.
func merged(rows []faults.Row) (all []faults.Row) {
	at := make(map[[2]string]int)
	for _, r := range rows {
		if r.Table != "faults" {
			continue
		}
		key := [2]string{r.Fault, r.Command}
		if i, known := at[key]; known {
			all[i].Rounds += r.Rounds
			for outcome, n := range r.Came {
				all[i].Came[outcome] += n
			}
			continue
		}
		at[key] = len(all)
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b faults.Row) int {
		return cmp.Or(strings.Compare(a.Fault, b.Fault), strings.Compare(a.Command, b.Command))
	})
	return all
}

// outcomes gives counts for reading.
func outcomes(came map[string]int) string {
	var said []string
	for _, o := range slices.Sorted(maps.Keys(came)) {
		said = append(said, fmt.Sprintf("%d %s", came[o], o))
	}
	return strings.Join(said, ", ")
}

// cell shows a command in a table.
func cell(command string) string { return "`" + strings.ReplaceAll(command, "|", `\|`) + "`" }
