package records

import (
	"fmt"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	const start = `{"timestamp":"2026-11-21T09:00:00.25Z","phase":"service start"}`
	const end = `{"timestamp":"2026-11-21T09:00:01Z","phase":"service end","result":"failure",` +
		`"errorLine":"82 bootkube.sh","errorMessage":"boom"}`
	tests := []struct {
		name, raw string
		want      int
	}{
		{"whole", "[" + start + "," + end + "]", 2},
		{"empty array", "[]", 0},
		{"nothing", "", 0},
		{"an object", start, 0},
		{"cut off in an entry", "[" + start + "," + end[:40], 1},
		{"cut off between entries", "[" + start + ",", 1},
		{"entries of other shapes", `[null, 3, "x", {"a":1}, {"phase":7}, ` + start + `]`, 1},
		{"an unreadable time costs its entry only", `[{"timestamp":"yesterday","phase":"service start"},` + end + `]`, 1},
	}
	for _, tt := range tests {
		if got := Parse([]byte(tt.raw)); len(got) != tt.want {
			t.Errorf("%s: %d records, want %d: %v", tt.name, len(got), tt.want, got)
		}
	}
	got := Parse([]byte("[" + start + "," + end + "]"))
	if got[1].Phase != ServiceEnd || got[1].Result != Failure || got[1].Why() != "boom" ||
		got[0].Timestamp.Nanosecond() != 250e6 {
		t.Errorf("read as %+v", got)
	}
	if why := (Record{ErrorLine: "line"}).Why() + (Record{}).Why(); why != "linefailed" {
		t.Errorf("reasons %q", why)
	}
}

func TestParseKeepsTheNewest(t *testing.T) {
	var raw strings.Builder
	raw.WriteString("[")
	const n = 5*maxRecords + 7
	for i := range n {
		fmt.Fprintf(&raw, `{"phase":"stage start","stage":"%d"},`, i)
	}
	got := Parse([]byte(raw.String()))
	if len(got) != maxRecords || got[len(got)-1].Stage != fmt.Sprint(n-1) {
		t.Errorf("%d records, the last is %v", len(got), got[len(got)-1])
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`[{"timestamp":"2026-11-21T09:00:00Z","phase":"stage end","stage":"x","result":"failure"}]`))
	f.Add([]byte(`[null,[[[[`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, r := range Parse(raw) {
			if r.Phase == "" || r.Why() == "" {
				t.Fatalf("%+v", r)
			}
		}
	})
}
