package nmstate

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// option is a setting that only has to be checked and written down. Users write numbers as
// text, too, because nmstate takes both.
type option struct {
	key   string // in the keyfile, if it is not the same
	value func(text string) (value, problem string)
}

// addOptions adds options in the order of their names.
func addOptions(s *keyfile.Settings, at report.Field, set map[string]any, known map[string]option) {
	for _, name := range slices.Sorted(maps.Keys(set)) {
		here := at.Child(name)
		o, ok := known[name]
		if !ok {
			detail := "unknown key"
			if guess := report.Closest(name, slices.Collect(maps.Keys(known))); guess != "" {
				detail += fmt.Sprintf("; did you mean %q?", guess)
			}
			here.Invalid(name, "%s", detail)
			continue
		}
		text, ok := scalar(set[name])
		if !ok {
			here.Invalid("...", "must be a single value")
			continue
		}
		value, problem := o.value(text)
		if problem != "" {
			here.Invalid(text, "%s", problem)
			continue
		}
		key := o.key
		if key == "" {
			key = name
		}
		s.AddText(key, value)
	}
}

// scalar is a value that was read without knowing its type, as text.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool, int64, uint64:
		return fmt.Sprint(v), true
	}
	return "", false
}

// number is a whole number.
func number(least, most int64) func(string) (string, string) {
	return func(text string) (string, string) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < least || n > most {
			return "", fmt.Sprintf("must be a whole number between %d and %d", least, most)
		}
		return strconv.FormatInt(n, 10), ""
	}
}

// flag is true or false, written in one of two ways.
func flag(yes, no string) func(string) (string, string) {
	return func(text string) (string, string) {
		switch text {
		case "true", "1":
			return yes, ""
		case "false", "0":
			return no, ""
		}
		return "", "must be true or false"
	}
}

// choice is one of several words, or its number.
func choice(words ...string) func(string) (string, string) {
	return func(text string) (string, string) {
		if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < len(words) {
			return words[n], ""
		}
		if slices.Contains(words, text) {
			return text, ""
		}
		return "", "must be one of " + strings.Join(words, ", ")
	}
}

// Bounds of unsigned numbers.
const (
	max8  = math.MaxUint8
	max16 = math.MaxUint16
	max32 = math.MaxUint32
)

// macOption is a MAC address of a single interface.
func macOption(text string) (string, string) {
	probe := report.New("")
	if !values.MAC(probe.Field(report.Path{}), text) {
		return "", probe.Findings()[0].Detail
	}
	return strings.ToUpper(values.PlainMAC(text)), ""
}

// addressList is IPv4 addresses that are separated by commas.
func addressList(text string) (string, string) {
	for _, item := range strings.Split(text, ",") {
		if a, err := netip.ParseAddr(item); err != nil || !a.Is4() {
			return "", "must be IPv4 addresses that are separated by commas"
		}
	}
	return text, ""
}
