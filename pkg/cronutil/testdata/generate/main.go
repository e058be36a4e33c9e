// Command generate prints what github.com/robfig/cron v3 makes of some thousand expressions: the table that
// pkg/cronutil is tested against. Its output is the same at every run.
//
//	cd pkg/cronutil/testdata/generate && go run . ..
//
// writes five-fields.jsonl and with-seconds.jsonl to the folder named. The first line of each file is
//
//	{"instants": [unix milliseconds, ...]}
//
// and every other one an expression:
//
//	{"e": expression}                                      it is rejected
//	{"e": expression, "from": i, "next": [...], "walk": [...]}
//
// next[k] is the first time after instants[(i+k) mod n]; walk goes on from next[0], each time the first after the one
// before. Times are Unix seconds, null where the library finds none (it returns the zero time).
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/robfig/cron/v3"
)

const (
	instantsEach = 4
	walkLength   = 2
)

type row struct {
	Expression string   `json:"e"`
	From       *int     `json:"from,omitempty"`
	Next       []*int64 `json:"next,omitempty"`
	Walk       []*int64 `json:"walk,omitempty"`
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run . <folder>")
	}
	fields := cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow
	write(filepath.Join(os.Args[1], "five-fields.jsonl"), cron.NewParser(fields),
		fiveFieldEdges(), append(singleValues(), generated(rand.New(rand.NewPCG(3, 5)), 3600, fiveFields)...))
	write(filepath.Join(os.Args[1], "with-seconds.jsonl"), cron.NewParser(cron.SecondOptional|fields),
		withSecondsEdges(), generated(rand.New(rand.NewPCG(3, 6)), 600, sixFields))
}

// write asks for the next time after every instant for the edges, and after a few in turn for the generated.
func write(path string, parser cron.Parser, edges, generated []string) {
	file, err := os.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	out := bufio.NewWriter(file)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)

	times := instants(rand.New(rand.NewPCG(7, 7)))
	millis := make([]int64, len(times))
	for i, t := range times {
		millis[i] = t.UnixMilli()
	}
	must(lines.Encode(map[string]any{"instants": millis}))

	seen := map[string]bool{}
	for number, expression := range append(edges, generated...) {
		if seen[expression] {
			continue
		}
		seen[expression] = true
		from, count := 0, len(times)
		if number >= len(edges) {
			from, count = number%len(times), instantsEach
		}
		must(lines.Encode(describe(parser, expression, times, from, count)))
	}
	must(out.Flush())
	must(file.Close())
}

func describe(parser cron.Parser, expression string, times []time.Time, from, count int) row {
	schedule, err := parser.Parse(expression)
	if err != nil {
		return row{Expression: expression}
	}
	result := row{Expression: expression, From: &from}
	var first time.Time
	for k := range count {
		next := schedule.Next(times[(from+k)%len(times)])
		if k == 0 {
			first = next
		}
		result.Next = append(result.Next, seconds(next))
	}
	for at := first; len(result.Walk) < walkLength && !at.IsZero(); {
		at = schedule.Next(at)
		result.Walk = append(result.Walk, seconds(at))
	}
	return result
}

func seconds(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	unix := t.Unix()
	return &unix
}

// instants holds the dates where a calendar goes wrong, and some at random.
func instants(random *rand.Rand) []time.Time {
	var times []time.Time
	for _, text := range []string{
		"2026-01-01T00:00:00Z",
		"2024-02-28T23:59:59.999Z",
		"2024-02-29T00:00:00Z",
		"2024-02-29T23:59:30Z",
		"2025-02-28T23:59:59Z",
		"2025-12-31T23:59:59.001Z",
		"2025-12-31T23:58:59.999Z",
		"2026-04-30T12:34:56.789Z",
		"2026-03-29T01:30:00Z", // clocks change in Europe; in UTC nothing happens
		"2026-10-25T01:00:00Z",
		"2026-11-01T05:59:59.5Z", // and in America
		"2026-07-31T23:00:00Z",
		"2026-08-15T14:15:00Z",
		"2026-08-15T14:14:59.999Z",
		"2026-08-15T14:15:00.001Z",
		"2096-02-29T12:00:00Z", // eight years to the next 29 February; five are searched
		"2096-02-28T23:59:59Z",
		"2099-12-31T23:59:59.999Z",
		"2098-12-31T23:59:58.999Z", // six years
		"2098-12-31T23:59:59Z",     // five
		"2100-02-28T23:59:00Z",
		"1999-12-31T23:59:59.25Z",
		"1970-01-01T00:00:00Z",
		"1969-12-31T23:59:59.5Z",
		"1901-06-15T06:00:00Z",
		"2399-12-31T00:00:00Z",
	} {
		t, err := time.Parse(time.RFC3339Nano, text)
		must(err)
		times = append(times, t.UTC())
	}
	from := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	to := time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	for range 24 {
		times = append(times, time.UnixMilli(from+random.Int64N(to-from)).UTC())
	}
	return times
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
