package redfish

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMessage bounds what is shown of a BMC's words, maxMessages how many sentences are read.
const (
	maxMessage  = 600
	maxMessages = 8
)

type extended struct {
	MessageID  string `json:"MessageId"`
	Message    string
	Resolution string
}

// words is what a BMC says in the body of an answer: the names of the messages without their registries, and their
// text. BMCs differ in where they put the messages, so it is looked for in all places that the specification and some
// vendors have for it.
func words(body []byte) (ids []string, text string) {
	var outer struct {
		Error    json.RawMessage `json:"error"`
		Extended json.RawMessage `json:"@Message.ExtendedInfo"`
		Messages json.RawMessage
	}
	if json.Unmarshal(body, &outer) != nil {
		return nil, printable(string(body), true)
	}
	var inner struct {
		Code     string          `json:"code"`
		Message  string          `json:"message"`
		Extended json.RawMessage `json:"@Message.ExtendedInfo"`
	}
	_ = json.Unmarshal(outer.Error, &inner) // an error of another shape has no words
	var texts []string
	add := func(id, text string) {
		if id = id[strings.LastIndex(id, ".")+1:]; id != "" && !slices.Contains(ids, id) {
			ids = append(ids, printable(id, false))
		}
		if text = printable(text, false); text != "" && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	for _, list := range []json.RawMessage{inner.Extended, outer.Extended, outer.Messages} {
		for _, m := range messages(list) {
			add(m.MessageID, m.Message)
		}
	}
	general := printable(inner.Message, false)
	if len(texts) == 0 {
		add(inner.Code, general)
	} else {
		add(inner.Code, "")
	}
	if len(texts) == 0 && len(ids) > 0 { // a name is better than nothing
		return ids, strings.Join(ids, ", ")
	}
	return ids, printable(strings.Join(texts, " "), false)
}

// messages reads a list, or the single message that some BMCs have in its place.
func messages(raw json.RawMessage) []extended {
	var list []extended
	if json.Unmarshal(raw, &list) == nil {
		return list[:min(len(list), maxMessages)]
	}
	var one extended
	if json.Unmarshal(raw, &one) == nil {
		return []extended{one}
	}
	return nil
}

// printable is a text of a BMC as one bounded line without control characters. Pages in HTML are left out.
func printable(s string, orPage bool) string {
	if orPage && strings.HasPrefix(strings.TrimSpace(s), "<") {
		return ""
	}
	s = strings.ToValidUTF8(s, "?")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if len(s) <= maxMessage {
		return s
	}
	s = s[:maxMessage]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "…"
}
