package analyze

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/testkit/golden"
)

func analyzed(t *testing.T, f files) *Report {
	t.Helper()
	r, err := Bundle(t.Context(), save(t, pack(t, "log-bundle-20261121093000/", f)))
	if err != nil {
		t.Fatal(err)
	}
	r.Source = "log-bundle-20261121093000.tar.gz"
	return r
}

func TestText(t *testing.T) {
	for name, f := range map[string]files{"operators.txt": failedCluster, "release.txt": stuckRelease} {
		var out strings.Builder
		if err := analyzed(t, f).Text(&out, 100); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "testdata/"+name, out.String())
	}
}

func TestTextKeepsItsWidth(t *testing.T) {
	r := analyzed(t, failedCluster)
	_, timeline, _ := strings.Cut(textOf(t, r, 0), "Timeline")
	for line := range strings.Lines(timeline) {
		if n := len([]rune(line)) - 1; n > leastWidth+len(" 99 tries") {
			t.Errorf("%d characters: %s", n, line)
		}
	}
}

func textOf(t *testing.T, r *Report, width int) string {
	t.Helper()
	var out strings.Builder
	if err := r.Text(&out, width); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestJSON(t *testing.T) {
	raw, err := json.MarshalIndent(analyzed(t, stuckRelease), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/release.json", string(raw)+"\n")
}

// hostile is what somebody may have put into a bundle.
const hostile = "\x1b[2J\u202etxt</style></div><script>alert(1)</script>\n\" onload=\"x"

func TestOutsideDataIsHarmless(t *testing.T) {
	entry, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	r := analyzed(t, stuckRelease.with(files{
		"bootstrap/services/bootkube.json": `[{"timestamp":"2026-11-21T09:05:00Z","phase":"stage end","result":"failure",` +
			`"stage":` + string(entry) + `,"errorMessage":` + string(entry) + `}]`,
		"failed-units.txt": hostile + ".service\n",
		"missing.txt":      hostile,
	}))
	var page strings.Builder
	if err := r.HTML(&page); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", "\" onload", "\x1b", "\u202e", "ZgotmplZ"} {
		if strings.Contains(page.String(), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if text := textOf(t, r, 100); strings.ContainsAny(text, "\x1b\u202e") || !strings.Contains(text, "alert(1)") {
		t.Errorf("the text is\n%q", text)
	}
}

// outside finds what a page would load from elsewhere.
var outside = regexp.MustCompile(`(?i)\b(src|href|action)\s*=|url\(|@import|https?://[^"<\s]*\.(js|css|png|svg|woff)`)

func TestPageStandsAlone(t *testing.T) {
	var out strings.Builder
	if err := analyzed(t, failedCluster).HTML(&out); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	if found := outside.FindString(page); found != "" {
		t.Errorf("the page needs %q", found)
	}
	for _, want := range []string{
		"default-src &#39;none&#39;", "prefers-color-scheme: " +
			"dark", "Cause: operator authentication", "bootkube: cb-bootstrap",
		`class="bar failed"`, `class="bar running"`, "2 voting, 1 learning", "Next: ",
	} {
		if !strings.Contains(page, want) && !strings.Contains(page, strings.ReplaceAll(want, "&#39;", "'")) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestPlace(t *testing.T) {
	tl := Timeline{From: t0, To: t0.Add(100 * time.Minute)}
	at := func(from, to int) Row {
		return Row{Start: t0.Add(time.Duration(from) * time.Minute), End: t0.Add(time.Duration(to) * time.Minute)}
	}
	for _, tt := range []struct {
		row  Row
		want string
	}{
		{at(0, 100), "0+50"}, {at(0, 1), "0+1"}, {at(50, 60), "25+5"}, {at(100, 100), "49+1"}, {at(99, 100),
			"49+1"}, {at(40, 40), "20+1"},
	} {
		start, length := tl.place(tt.row, 50)
		if got := fmt.Sprintf("%d+%d", start, length); got != tt.want {
			t.Errorf("%v to %v is at %s, want %s", tt.row.Start, tt.row.End, got, tt.want)
		}
	}
	if start, length := (Timeline{}).place(Row{}, 50); start != 0 || length != 1 {
		t.Error("a timeline of no length")
	}
}

func TestManyNodes(t *testing.T) {
	var nodes []string
	for i := range 1000 {
		state := "Ready=True"
		if i == 777 {
			state = "Ready=False=no network"
		}
		nodes = append(nodes, obj(fmt.Sprintf("worker-%d", i), 5, "")+`,"status":{`+conditionsJSON(6+float64(i)/1000,
			state)+"}}")
	}
	r := analyzed(t, failedCluster.with(files{"resources/nodes.json": items(nodes...)}))
	for _, g := range r.Timeline.Groups {
		if len(g.Rows) > maxRows {
			t.Errorf("%s has %d rows", g.Name, len(g.Rows))
		}
	}
	text := textOf(t, r, 100)
	if !strings.Contains(text, "60 of 1000") || !strings.Contains(text, "worker-777 ") || !strings.Contains(text,
		"worker-999 ") || strings.Contains(text, "worker-5 ") {
		t.Error("the wrong rows are shown")
	}
}

// TestRunsThatBelongTogether: a cluster that was destroyed, or a run of another
// day, does not make the bars of this one too short to see.
func TestRunsThatBelongTogether(t *testing.T) {
	run := func(hours float64, more string) string {
		begin := t0.Add(time.Duration(hours * float64(time.Hour)))
		started, ended := begin.Format(time.RFC3339), begin.Add(time.Minute).Format(time.RFC3339)
		return fmt.Sprintf(`{"command":"create cluster","started":%q,"ended":%q,"phases":[{"name":"images","started":%q,`+
			`"ended":%q,"result":"failed","detail":"x"}]%s}`,
			started, ended, started, ended, more)
	}
	rows := func(runs ...string) int {
		r := analyzed(t, files{"installer/okd_install_journal.json": `{"runs":[` + strings.Join(runs, ",") + `]}`})
		if len(r.Timeline.Groups) == 0 {
			return 0
		}
		return len(r.Timeline.Groups[0].Rows)
	}
	if n := rows(run(-2, ""), run(-1, ""), run(0, "")); n != 3 {
		t.Errorf("%d of three runs in a row", n)
	}
	if n := rows(run(-30, ""), run(-1, ""), run(0, "")); n != 2 {
		t.Errorf("%d runs, one of them of the day before", n)
	}
	destroyed := `,"notes":[{"time":"2026-11-21T08:00:00Z","message":"destroyed demo-x7k2p"}]`
	if n := rows(run(-2, ""), run(-1, destroyed), run(0, "")); n != 1 {
		t.Errorf("%d runs although a cluster was destroyed in between", n)
	}
	if n := rows(run(-1, destroyed)); n != 0 {
		t.Errorf("%d runs of a cluster that is gone", n)
	}
}
