package main

import (
	"math"
	"sync"
	"time"
)

// phase is a stretch of time in which the rate goes evenly from one value to another.
type phase struct {
	Seconds float64 `json:"seconds"`
	// Requests a second.
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// count is how many requests are due within the phase.
func (p phase) count() float64 { return p.Seconds * (p.From + p.To) / 2 }

// at is when request n of the phase (from 0, not a whole number where phases before it ended between two) is due, in seconds.
func (p phase) at(n float64) float64 {
	slope := (p.To - p.From) / p.Seconds
	if slope == 0 {
		return n / p.From
	}
	return (math.Sqrt(math.Max(0, p.From*p.From+2*slope*n)) - p.From) / slope
}

// schedule is vegeta's Pacer: every request has its time, whatever became of those before it. One that could not begin
// within dropAfter of its time is dropped and counted, so that a sender that fell behind doesn't pour out what it missed.
type schedule struct {
	phases    []phase
	burst     int
	planned   int
	dropAfter time.Duration

	mu      sync.Mutex
	due     []time.Duration // of each request that was sent
	dropped int
	stopped bool
}

// at is when the request with this number is due, from the beginning.
func (s *schedule) at(number int) time.Duration {
	n := float64(number - s.burst)
	if n < 0 {
		return 0
	}
	began := 0.0
	for _, p := range s.phases {
		if count := p.count(); n >= count {
			n -= count
			began += p.Seconds
			continue
		}
		return time.Duration((began + p.at(n)) * float64(time.Second))
	}
	return time.Duration(began * float64(time.Second))
}

// Pace says how long to wait for the next request. vegeta calls it with the number of those that were sent.
func (s *schedule) Pace(elapsed time.Duration, sent uint64) (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.stopped && int(sent)+s.dropped < s.planned {
		due := s.at(int(sent) + s.dropped)
		if elapsed-due > s.dropAfter {
			s.dropped++
			continue
		}
		s.due = append(s.due[:sent], due)
		return due - elapsed, false
	}
	return 0, true
}

// Rate is asked by vegeta for its own reports alone.
func (s *schedule) Rate(time.Duration) float64 { return 0 }

func (s *schedule) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
}

func (s *schedule) dueOf(sequence uint64) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.due[sequence]
}

func (s *schedule) droppedSoFar() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}
