package analyze

import (
	"strings"
	"unicode"
)

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
