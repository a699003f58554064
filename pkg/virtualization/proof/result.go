package proof

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
)

// Status is how a check ended.
type Status string

// The ends of a check.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Duration is a length of time, in JSON in seconds.
type Duration time.Duration

// MarshalJSON writes seconds.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.seconds()) }

// UnmarshalJSON reads seconds.
func (d *Duration) UnmarshalJSON(raw []byte) error {
	var seconds float64
	if err := json.Unmarshal(raw, &seconds); err != nil {
		return err
	}
	*d = Duration(seconds * float64(time.Second))
	return nil
}

func (d Duration) seconds() float64 { return time.Duration(d).Round(time.Millisecond).Seconds() }

func (d Duration) String() string { return time.Duration(d).Round(time.Second).String() }

// Result is what one check has found.
type Result struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	// Reason is what was seen: the proof if it passed, what failed, or why it was skipped.
	Reason string `json:"reason"`
	// Cause is what the cluster says about a failure.
	Cause string `json:"cause,omitempty"`
	// Next is what to do about a failure.
	Next     string   `json:"next,omitempty"`
	Duration Duration `json:"seconds"`
}

func (r Result) line() string {
	text := fmt.Sprintf("%s %s: %s", r.Name, r.Status, r.Reason)
	if r.Cause != "" {
		text += ": " + r.Cause
	}
	return text
}

// Report is what a test has found.
type Report struct {
	ID          string    `json:"id"`
	Server      string    `json:"server"`
	Started     time.Time `json:"started"`
	Duration    Duration  `json:"seconds"`
	KubeVirt    string    `json:"kubevirt,omitempty"` // its version
	Emulation   bool      `json:"emulation"`          // software emulates the processor
	Interrupted bool      `json:"interrupted"`
	Results     []Result  `json:"results"`
}

// Count is how many checks ended in a way.
func (r *Report) Count(s Status) int {
	n := 0
	for _, result := range r.Results {
		if result.Status == s {
			n++
		}
	}
	return n
}

// Err is nil if nothing failed and the test came to its end. Its next step is that of the first check that failed.
func (r *Report) Err() error {
	var failed []string
	next := ""
	for _, result := range r.Results {
		if result.Status != Failed {
			continue
		}
		text := result.Name + ": " + result.Reason
		if result.Cause != "" {
			text += ": " + result.Cause
		}
		failed = append(failed, text)
		if next == "" {
			next = result.Next
		}
	}
	switch {
	case len(failed) > 0:
		return exit.New(next, "the test of virtualization failed in %d of %d checks: %s", len(failed), len(r.Results),
			strings.Join(failed, "; "))
	case r.Interrupted:
		return exit.New("", "the test of virtualization did not come to its end")
	}
	return nil
}

// outcome is the end of a check.
type outcome struct {
	status              Status
	reason, cause, next string
}

func passed(format string, args ...any) outcome {
	return outcome{status: Passed, reason: fmt.Sprintf(format, args...)}
}

func skipped(format string, args ...any) outcome {
	return outcome{status: Skipped, reason: fmt.Sprintf(format, args...)}
}

// fault is why something does not work.
type fault struct{ reason, cause, next string }

func (f *fault) outcome() outcome {
	return outcome{status: Failed, reason: f.reason, cause: f.cause, next: f.next}
}

func failed(reason, cause, next string) outcome { return (&fault{reason, cause, next}).outcome() }
