// load-sender sends requests on a schedule, each at its own time, whatever became of those before it (an open loop). vegeta does the
// sending and the measuring. This program only reads what to send and writes what came:
//
//	stdin   one line with the plan, then one line for each request (target)
//	stdout  one line for each event: {"ready":…}, {"result":…}, {"ended":…}, {"failed":…}
//
// SIGTERM ends the sending; what is under way is still waited for. A second one ends at once, as does a reader that went away.
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

type plan struct {
	// "https://record.local:8443", and where that is reached: "127.0.0.1:8443".
	Origin  string `json:"origin"`
	Address string `json:"address"`
	// PEM file with the root to trust.
	CaFile      string `json:"caFile"`
	Connections int    `json:"connections"`
	// Requests under way at once. More are late, then dropped.
	InFlightMax uint64  `json:"inFlightMax"`
	TimeoutMs   int     `json:"timeoutMs"`
	DropAfterMs int     `json:"dropAfterMs"`
	Burst       int     `json:"burst"`
	Phases      []phase `json:"phases"`
	// How many requests that makes.
	Planned int `json:"planned"`
}

type target struct {
	Number  int               `json:"n"`
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	Body    []byte            `json:"body"`
}

type event struct {
	Ready  *ready  `json:"ready,omitempty"`
	Result *result `json:"result,omitempty"`
	Ended  *ended  `json:"ended,omitempty"`
	Failed string  `json:"failed,omitempty"`
}

// Milliseconds since 1970 at which the schedule begins.
type ready struct {
	BeganMs float64 `json:"beganMs"`
}

// Times are milliseconds: when it was due and when it was sent, from the beginning, and how long it took from then.
type result struct {
	Number      int     `json:"n"`
	Due         float64 `json:"due"`
	Sent        float64 `json:"sent"`
	Took        float64 `json:"took"`
	Status      int     `json:"status"`
	Error       string  `json:"error,omitempty"`
	GrpcStatus  string  `json:"grpcStatus,omitempty"`
	GrpcMessage string  `json:"grpcMessage,omitempty"`
	Body        []byte  `json:"body,omitempty"`
	Dropped     int     `json:"dropped"`
}

type ended struct {
	Sent    int `json:"sent"`
	Dropped int `json:"dropped"`
}

func main() {
	// Ctrl-C is for who started this.
	signal.Ignore(syscall.SIGINT, syscall.SIGHUP)
	say := newTeller(os.Stdout)
	if err := run(os.Stdin, say); err != nil {
		say(event{Failed: err.Error()})
		os.Exit(1)
	}
}

func run(input io.Reader, say func(event)) error {
	lines := json.NewDecoder(bufio.NewReaderSize(input, 1<<20))
	var p plan
	if err := lines.Decode(&p); err != nil {
		return err
	}
	e, err := connect(p)
	if err != nil {
		return err
	}
	// As many are read ahead as are sent at once: the reading is in nobody's time.
	targets := make(chan vegeta.Target, max(256, p.Burst))
	filled := make(chan struct{})
	go readTargets(lines, p.Origin, targets, min(cap(targets), p.Planned), filled)
	<-filled
	times := &schedule{phases: p.Phases, burst: p.Burst, planned: p.Planned, dropAfter: time.Duration(p.DropAfterMs) * time.Millisecond}
	attacker := vegeta.NewAttacker(
		vegeta.Client(&http.Client{
			Transport:     e,
			Timeout:       time.Duration(p.TimeoutMs) * time.Millisecond,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
		vegeta.Workers(uint64(max(16, p.Burst))),
		vegeta.MaxWorkers(p.InFlightMax),
	)
	stopOnSignal(times, attacker)
	next := func(into *vegeta.Target) error {
		t, more := <-targets
		if !more {
			return vegeta.ErrNoTargets
		}
		*into = t
		return nil
	}
	began := time.Now()
	say(event{Ready: &ready{BeganMs: float64(began.UnixMicro()) / 1000}})
	sent := 0
	for r := range attacker.Attack(next, times, 0, "") {
		if r.URL == "" { // there was nothing left to send
			continue
		}
		sent++
		say(event{Result: told(r, began, times)})
	}
	say(event{Ended: &ended{Sent: sent, Dropped: times.droppedSoFar()}})
	return nil
}

// readTargets makes requests of lines. The number of each is its URL's fragment, which HTTP never sends: results come in any order.
// filled is closed when so many are there, or no more come.
func readTargets(lines *json.Decoder, origin string, targets chan<- vegeta.Target, enough int, filled chan<- struct{}) {
	defer close(targets)
	reached := sync.OnceFunc(func() { close(filled) })
	defer reached()
	for read := 1; ; read++ {
		var t target
		if lines.Decode(&t) != nil {
			return
		}
		headers := http.Header{}
		for name, value := range t.Headers {
			headers.Set(name, value)
		}
		targets <- vegeta.Target{Method: t.Method, URL: origin + t.Path + "#" + strconv.Itoa(t.Number), Header: headers, Body: t.Body}
		if read == enough {
			reached()
		}
	}
}

func told(r *vegeta.Result, began time.Time, times *schedule) *result {
	milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	number := -1
	if address, err := url.Parse(r.URL); err == nil {
		number, _ = strconv.Atoi(address.Fragment)
	}
	failure := r.Error
	if r.Code >= 400 { // vegeta makes an error of the status alone
		failure = ""
	}
	return &result{
		Number: number, Due: milliseconds(times.dueOf(r.Seq)), Sent: milliseconds(r.Timestamp.Sub(began)), Took: milliseconds(r.Latency),
		Status: int(r.Code), Error: failure, GrpcStatus: r.Headers.Get("Grpc-Status"),
		GrpcMessage: r.Headers.Get("Grpc-Message"), Body: r.Body, Dropped: times.droppedSoFar(),
	}
}

func stopOnSignal(times *schedule, attacker *vegeta.Attacker) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		<-signals
		times.stop()
		attacker.Stop()
		<-signals
		os.Exit(1)
	}()
}

// newTeller writes events from a queue of its own, so that a reader who is slow holds up no request.
func newTeller(output io.Writer) func(event) {
	var mu sync.Mutex
	var queue []event
	wake := make(chan struct{}, 1)
	flushed := make(chan struct{})
	go func() {
		encoder := json.NewEncoder(output)
		for range wake {
			for {
				mu.Lock()
				batch := queue
				queue = nil
				mu.Unlock()
				if len(batch) == 0 {
					break
				}
				for _, e := range batch {
					if encoder.Encode(e) != nil {
						os.Exit(1)
					}
					if e.Ended != nil || e.Failed != "" {
						close(flushed)
						return
					}
				}
			}
		}
	}()
	return func(e event) {
		mu.Lock()
		queue = append(queue, e)
		mu.Unlock()
		select {
		case wake <- struct{}{}:
		default:
		}
		if e.Ended != nil || e.Failed != "" {
			<-flushed
		}
	}
}
