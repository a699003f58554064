package analyze

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/okd-install/okd-install/pkg/event"
)

// Widths of the text form, in characters.
const (
	leastWidth = 60
	mostWidth  = 200
	nameWidth  = 34
)

// marks distinguish bars without colours.
var marks = map[Outcome]string{Done: "=", Failed: "x", Running: ">"}

// Text writes the report for a person, in lines of about the given width.
func (r *Report) Text(w io.Writer, width int) error {
	width = min(max(width, leastWidth), mostWidth)
	var out strings.Builder
	fmt.Fprintf(&out, "Cause: %s\n", r.Cause)
	if r.Next != "" {
		fmt.Fprintf(&out, "Next:  %s\n", r.Next)
	}
	fmt.Fprintf(&out, "\nSource   %s%s\n", r.Source, withTime(" of ", r.Taken))
	if r.Version != "" {
		fmt.Fprintf(&out, "Version  %s\n", r.Version)
	}
	if len(r.Findings) > 0 {
		out.WriteString("\nFindings\n")
		for _, f := range r.Findings {
			fmt.Fprintf(&out, "  %-8s %s: %s%s\n", f.Severity, f.Where, f.Text,
				withTime(", since ", f.Since))
			if f.Next != "" && f.Next != r.Next {
				fmt.Fprintf(&out, "  %-8s Next: %s\n", "", f.Next)
			}
		}
	}
	if len(r.Gaps) > 0 {
		out.WriteString("\nNot looked at\n")
		for _, gap := range r.Gaps {
			fmt.Fprintf(&out, "  %s\n", gap)
		}
	}
	r.Timeline.text(&out, width)
	_, err := io.WriteString(w, out.String())
	return err
}

func withTime(word string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return word + t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func (t Timeline) text(out *strings.Builder, width int) {
	if len(t.Groups) == 0 {
		return
	}
	longest := 0
	for _, g := range t.Groups {
		for _, r := range g.Rows {
			longest = max(longest, len([]rune(r.Name)))
		}
	}
	names := min(longest, nameWidth)
	const around = 2 + 1 + 9 + 2 + 2 // indentation, space, time taken, spaces, borders
	bar := max(width-names-around, 20)
	from, to := t.From.UTC().Format("15:04:05"), t.To.UTC().Format("15:04:05")
	fmt.Fprintf(out, "\nTimeline (UTC, %s; = done, x failed, > not ended)\n", t.From.UTC().Format("2006-01-02"))
	fmt.Fprintf(out, "%*s%s%*s\n", 2+names+1+9+3, "", from, bar-len(from), to)
	for _, g := range t.Groups {
		title := g.Name
		if g.Note != "" {
			title += " (" + g.Note + ")"
		}
		out.WriteString(title + "\n")
		for _, r := range g.Rows {
			start, length := t.place(r, bar)
			line := strings.Repeat(" ", start) + strings.Repeat(marks[r.Outcome], length)
			fmt.Fprintf(out, "  %-*s %9s  |%-*s|%s\n", names, brief(r.Name, names), event.Elapsed(r.Took()), bar,
				line, tries(r))
		}
	}
}

// place is where in a bar of that width a row begins, and its length, which is never zero.
func (t Timeline) place(r Row, width int) (start, length int) {
	span := float64(t.To.Sub(t.From))
	if span <= 0 {
		return 0, 1
	}
	start = min(int(float64(r.Start.Sub(t.From))/span*float64(width)), width-1)
	end := int(float64(r.End.Sub(t.From))/span*float64(width) + 0.5)
	return start, min(max(end-start, 1), width-start)
}

func tries(r Row) string {
	if r.Tries > 1 {
		return fmt.Sprintf(" %d tries", r.Tries)
	}
	return ""
}

// longest is the length of a text in the report, in characters. Operators put whole lists into their messages.
const longest = 600

// oneLine makes text safe for a terminal and a table: one line, nothing that moves the cursor or changes the direction
// of writing, not too long.
func oneLine(text string) string {
	if len(text) > 16*longest {
		text = text[:16*longest]
	}
	fields := strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	})
	return brief(strings.Join(fields, " "), longest)
}

// brief shortens text to a width in characters.
func brief(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	return string(runes[:width-1]) + "…"
}
