// Package fault makes an engine misbehave on demand: refused or delayed
// requests, lost answers, slow image transfers, machines that never boot.
package fault

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind is what a fault does.
type Kind string

// The kinds of fault.
const (
	// Request, the default, answers matching requests with Status and Reason
	// after Delay. Status 0 only delays.
	Request Kind = "request"
	// Lost carries a matching request out and then drops the connection
	// instead of answering.
	Lost Kind = "lost"
	// Drop closes the connection of a matching request, undone.
	Drop Kind = "drop"
	// SlowTransfer limits matching image transfers (by path of the image
	// URL) to BytesPerSecond.
	SlowTransfer Kind = "slow-transfer"
	// NoBoot keeps VMs whose name matches Path powering up for ever: their
	// machine is never switched on.
	NoBoot Kind = "no-boot"
	// IgnoreSearch answers matching lists as if they had no search: with
	// everything there is.
	IgnoreSearch Kind = "ignore-search"
)

// Fault is one thing that goes wrong.
type Fault struct {
	ID   string `json:"id,omitempty"` // set by Add
	Kind Kind   `json:"kind,omitempty"`
	// Method is the HTTP method, or empty for any.
	Method string `json:"method,omitempty"`
	// Path is a glob: * within a path segment, ** across segments. It is
	// tried on the whole URL path and on the part after /ovirt-engine/api.
	Path   string `json:"path"`
	Status int    `json:"status,omitempty"`
	// Reason and Detail are the texts of the fault document.
	Reason string `json:"reason,omitempty"`
	Detail string `json:"detail,omitempty"`
	// Count is how often the fault happens; 0 is once, negative is until it
	// is cleared.
	Count int `json:"count,omitempty"`
	// After lets that many matching requests pass first.
	After          int           `json:"after,omitempty"`
	Delay          time.Duration `json:"delay,omitempty"`
	BytesPerSecond int64         `json:"bytesPerSecond,omitempty"`
}

// Set holds the faults of one engine. It is safe for concurrent use.
type Set struct {
	mu     sync.Mutex
	next   int
	faults []*armed
}

type armed struct {
	Fault
	path *regexp.Regexp
}

// Add arms a fault and returns its ID.
func (s *Set) Add(f Fault) string {
	f.Kind, f.Count = cmp.Or(f.Kind, Request), cmp.Or(f.Count, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	f.ID = fmt.Sprintf("fault-%d", s.next)
	s.faults = append(s.faults, &armed{Fault: f, path: glob(f.Path)})
	return f.ID
}

// Clear removes the fault with that ID, or all of them when id is empty.
func (s *Set) Clear(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = slices.DeleteFunc(s.faults, func(f *armed) bool { return id == "" || f.ID == id })
}

// List returns the faults that are still armed.
func (s *Set) List() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Fault, 0, len(s.faults))
	for _, f := range s.faults {
		out = append(out, f.Fault)
	}
	return out
}

// Take finds the first fault of one of the kinds for a method and any of the
// paths, and uses it up by one.
func (s *Set) Take(method string, paths []string, kinds ...Kind) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if !f.matches(method, paths, kinds) {
			continue
		}
		if f.After > 0 {
			f.After--
			continue
		}
		if f.Count > 0 {
			f.Count--
			if f.Count == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
		}
		return f.Fault, true
	}
	return Fault{}, false
}

func (f *armed) matches(method string, paths []string, kinds []Kind) bool {
	return (f.Method == "" || strings.EqualFold(f.Method, method)) &&
		slices.Contains(kinds, f.Kind) && slices.ContainsFunc(paths, f.path.MatchString)
}

// glob turns a path glob into an expression for the whole path.
func glob(pattern string) *regexp.Regexp {
	wild := strings.NewReplacer(`\*\*`, ".*", `\*`, "[^/]*")
	return regexp.MustCompile("^" + wild.Replace(regexp.QuoteMeta(cmp.Or(pattern, "**"))) + "$")
}
