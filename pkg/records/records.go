// Package records reads the service records of the bootstrap host: what each
// of its services ran and how that ended. The host writes one JSON array per
// service; the watch reads them by SSH, the analysis from a log bundle.
package records

import (
	"bytes"
	"encoding/json"
	"time"
)

// Results of what has ended.
const (
	Success = "success"
	Failure = "failure"
)

// Phases of a record. Commands run before and after the service itself.
const (
	ServiceStart = "service start"
	ServiceEnd   = "service end"
	StageStart   = "stage start"
	StageEnd     = "stage end"
	PreStart     = "pre-command start"
	PreEnd       = "pre-command end"
	PostStart    = "post-command start"
	PostEnd      = "post-command end"
)

// Record is one entry of a service's file.
type Record struct {
	Timestamp    time.Time `json:"timestamp"`
	Phase        string    `json:"phase"`
	Result       string    `json:"result,omitempty"` // of what has ended
	Stage        string    `json:"stage,omitempty"`
	PreCommand   string    `json:"preCommand,omitempty"`
	PostCommand  string    `json:"postCommand,omitempty"`
	ErrorLine    string    `json:"errorLine,omitempty"`
	ErrorMessage string    `json:"errorMessage,omitempty"`
	Note         string    `json:"note,omitempty"` // of a stage that ended well
}

// Why is what a record says of a failure, never empty.
func (r Record) Why() string {
	for _, text := range []string{r.ErrorMessage, r.ErrorLine} {
		if text != "" {
			return text
		}
	}
	return "failed"
}

// most bounds what is kept of one file. Our hosts write 400 entries at most,
// others write without end.
const most = 20000

// Parse reads as much of a file as makes sense: it may have been read while it
// was replaced, its writer may have been killed, and the archive that it comes
// from may be cut off. Of very long files the newest records are kept.
func Parse(raw []byte) []Record {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if open, err := dec.Token(); err != nil || open != json.Delim('[') {
		return nil
	}
	var out []Record
	for dec.More() {
		var entry json.RawMessage
		if dec.Decode(&entry) != nil {
			break // what comes after cannot be told apart
		}
		var r Record
		if json.Unmarshal(entry, &r) != nil || r.Phase == "" {
			continue
		}
		out = append(out, r)
		if len(out) >= 2*most {
			out = append(out[:0], out[len(out)-most:]...)
		}
	}
	return out[max(len(out)-most, 0):]
}
