// Package secret keeps passwords, keys and tokens from being printed.
package secret

import (
	"fmt"
	"io"
	"log/slog"
	"sort"
	"strings"
)

const hidden = "(hidden)"

// String is a secret text. Every way of printing or marshalling it shows
// "(hidden)"; Reveal is the one way to its value.
type String struct{ v string }

// New wraps a secret value.
func New(v string) String { return String{v: v} }

// Reveal returns the value, for the one place that has to have it.
func (s String) Reveal() string { return s.v }

// IsZero says whether there is no value.
func (s String) IsZero() bool { return s.v == "" }

// String implements fmt.Stringer.
func (s String) String() string { return hidden }

// GoString implements fmt.GoStringer, for %#v.
func (s String) GoString() string { return hidden }

// Format implements fmt.Formatter: no verb gets at the value.
func (s String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue implements slog.LogValuer.
func (s String) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements encoding.TextMarshaler.
func (s String) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON implements json.Marshaler.
func (s String) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// MarshalYAML implements yaml.Marshaler.
func (s String) MarshalYAML() (any, error) { return hidden, nil }

// UnmarshalText takes the value as it stands.
func (s *String) UnmarshalText(b []byte) error { s.v = string(b); return nil }

// Redactor replaces known secrets in text that others made.
type Redactor struct{ replacer *strings.Replacer }

// shortest is the length below which a value is not searched for: replacing
// every "a" would hide nothing and destroy the text.
const shortest = 6

// NewRedactor knows the given secrets. Longer ones win over their parts.
func NewRedactor(values ...String) *Redactor {
	var known []string
	for _, v := range values {
		if len(v.v) >= shortest {
			known = append(known, v.v)
		}
	}
	sort.Slice(known, func(i, j int) bool { return len(known[i]) > len(known[j]) })
	pairs := make([]string, 0, 2*len(known))
	for _, v := range known {
		pairs = append(pairs, v, hidden)
	}
	return &Redactor{replacer: strings.NewReplacer(pairs...)}
}

// Clean returns text with every known secret replaced.
func (r *Redactor) Clean(text string) string { return r.replacer.Replace(text) }

// Writer cleans what is written, call by call, and passes it on to w. Callers
// write whole lines; a secret that spans two calls is not found.
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
