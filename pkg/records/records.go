// Package records reads the service records of the bootstrap host: what each service ran and how it ended. The host
// writes one JSON array per service; pkg/bootstrap reads it over SSH, pkg/analyze from a log bundle.
package records

import (
	"bytes"
	"cmp"
	"encoding/json"
	"time"
)

// Results of the phases that end something.
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
	Result       string    `json:"result,omitempty"` // at an end
	Stage        string    `json:"stage,omitempty"`
	PreCommand   string    `json:"preCommand,omitempty"`
	PostCommand  string    `json:"postCommand,omitempty"`
	ErrorLine    string    `json:"errorLine,omitempty"`
	ErrorMessage string    `json:"errorMessage,omitempty"`
	Note         string    `json:"note,omitempty"` // of a stage that succeeded
}

// Why returns the reason of a failure, never empty.
func (r Record) Why() string {
	return cmp.Or(r.ErrorMessage, r.ErrorLine, "failed")
}

// maxRecords is how many records of a file are kept. Our hosts write at most 400, those of the reference any number.
const maxRecords = 20000

// Parse reads the records up to the first damage: the file may have been read while it was replaced, or come from a
// truncated archive. Of very long files it keeps the newest records.
func Parse(raw []byte) []Record {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if open, err := dec.Token(); err != nil || open != json.Delim('[') {
		return nil
	}
	var out []Record
	for dec.More() {
		var entry json.RawMessage
		if dec.Decode(&entry) != nil {
			break // the decoder cannot find the next entry
		}
		var r Record
		if json.Unmarshal(entry, &r) != nil || r.Phase == "" {
			continue
		}
		out = append(out, r)
		if len(out) >= 2*maxRecords {
			out = append(out[:0], out[len(out)-maxRecords:]...)
		}
	}
	return out[max(len(out)-maxRecords, 0):]
}
