// Package secret keeps passwords, keys and tokens from being printed.
package secret

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
)

const hidden = "(hidden)"

// String is a secret text. Printing or marshalling it in any way shows
// "(hidden)"; only Reveal returns its value.
type String struct{ v string }

// New wraps a secret value.
func New(v string) String { return String{v: v} }

// Reveal returns the value. Call it where the value is used, not earlier.
func (s String) Reveal() string { return s.v }

// IsZero reports whether the value is empty.
func (s String) IsZero() bool { return s.v == "" }

// String implements fmt.Stringer.
func (s String) String() string { return hidden }

// Format implements fmt.Formatter, so that no verb prints the value, not even %#v.
func (s String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue implements slog.LogValuer.
func (s String) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements encoding.TextMarshaler, which JSON and YAML use as well.
func (s String) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// UnmarshalText takes the text as the value.
func (s *String) UnmarshalText(b []byte) error { s.v = string(b); return nil }

// Redactor replaces known secrets in text from elsewhere.
type Redactor struct{ replacer *strings.Replacer }

// minLength is the length of the shortest value that is replaced. Replacing
// every "a" would hide nothing and make text unreadable.
const minLength = 6

// NewRedactor makes a Redactor for values. Longer ones take precedence.
func NewRedactor(values ...String) *Redactor {
	var known []string
	for _, v := range values {
		if len(v.v) >= minLength {
			known = append(known, v.v)
		}
	}
	slices.SortFunc(known, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(known))
	for _, v := range known {
		pairs = append(pairs, v, hidden)
	}
	return &Redactor{replacer: strings.NewReplacer(pairs...)}
}

// Clean returns text with every known secret replaced.
func (r *Redactor) Clean(text string) string { return r.replacer.Replace(text) }

// Writer returns a writer that cleans each write and passes it on to w. A secret
// that spans two writes is not found, so callers must write whole lines.
func (r *Redactor) Writer(w io.Writer) io.Writer { return &cleaner{r: r, w: w} }

type cleaner struct {
	r *Redactor
	w io.Writer
}

func (c *cleaner) Write(p []byte) (int, error) {
	if _, err := io.WriteString(c.w, c.r.Clean(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
