package analyze

import (
	_ "embed"
	"html/template"
	"io"
	"math"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
)

//go:embed report.html
var page string

// The template escapes what comes from the bundle according to its context.
var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"utc":     func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
	"clock":   func(t time.Time) string { return t.UTC().Format("15:04:05") },
	"elapsed": event.Elapsed,
}).Parse(page))

// bar is a row with its place on the page, in percent of the width.
type bar struct {
	Row
	Left, Width float64
}

// tick is a mark of the time scale.
type tick struct {
	Left float64
	Time time.Time
}

// HTML writes the report as one page that needs nothing else: no script, no file, no network.
func (r *Report) HTML(w io.Writer) error {
	type group struct {
		Name, Note string
		Bars       []bar
	}
	data := struct {
		*Report
		Groups []group
		Ticks  []tick
	}{Report: r}
	span := r.Timeline.To.Sub(r.Timeline.From)
	share := func(t time.Time) float64 {
		if span <= 0 {
			return 0
		}
		percent := min(max(100*float64(t.Sub(r.Timeline.From))/float64(span), 0), 100)
		return math.Round(100*percent) / 100
	}
	for _, g := range r.Timeline.Groups {
		out := group{Name: g.Name, Note: g.Note}
		for _, row := range g.Rows {
			left := min(share(row.Start), 99.6)
			width := math.Round(100*(share(row.End)-left)) / 100
			out.Bars = append(out.Bars, bar{Row: row, Left: left, Width: max(width, 0.4)})
		}
		data.Groups = append(data.Groups, out)
	}
	if step := scale(span); step > 0 {
		for at := r.Timeline.From.UTC().Truncate(step).Add(step); at.Before(r.Timeline.To); at = at.Add(step) {
			if left := share(at); left < 94 { // its label would leave the page
				data.Ticks = append(data.Ticks, tick{left, at})
			}
		}
	}
	return pageTemplate.Execute(w, data)
}

// scale is the distance between the marks of a time scale: a round one, of which about eight fit.
func scale(span time.Duration) time.Duration {
	for _, step := range []time.Duration{
		time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute,
		10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	} {
		if span <= 10*step {
			return step
		}
	}
	return max(span/8, 0)
}
