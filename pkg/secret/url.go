package secret

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// plainQuery are the query parameters that cannot be a token.
var plainQuery = []string{"sha256"}

// URL returns a URL for messages: scheme, host, path and the query parameters
// that cannot be secret. It replaces everything else by "(hidden)", and text
// that is not a URL altogether.
func URL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" {
		return hidden
	}
	out := u.Scheme
	if out != "" {
		out += "://"
	}
	if u.User != nil {
		out += hidden + "@"
	}
	out += u.Host + u.EscapedPath()
	if shown := query(u.RawQuery); shown != "" {
		out += "?" + shown
	}
	if u.Fragment != "" {
		out += "#" + hidden
	}
	return out
}

func query(raw string) string {
	if raw == "" {
		return ""
	}
	var out []string
	for pair := range strings.SplitSeq(raw, "&") {
		name, _, hasValue := strings.Cut(pair, "=")
		switch {
		case slices.Contains(plainQuery, name):
			out = append(out, pair)
		case hasValue:
			out = append(out, name+"="+hidden)
		default:
			out = append(out, hidden) // it may be a token without a name
		}
	}
	return strings.Join(out, "&")
}

// InURL returns the parts of a URL that URL hides, both percent-encoded and
// decoded.
func InURL(raw string) []String {
	u, err := url.Parse(raw)
	if err != nil {
		return nil
	}
	var out []String
	add := func(texts ...string) {
		for _, text := range texts {
			if text != "" {
				out = append(out, New(text))
			}
		}
	}
	if password, ok := u.User.Password(); ok {
		_, encoded, _ := strings.Cut(u.User.String(), ":")
		add(password, encoded)
	} else if u.User != nil { // a token instead of a login
		add(u.User.Username(), u.User.String())
	}
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, encoded, hasValue := strings.Cut(pair, "=")
		if slices.Contains(plainQuery, name) {
			continue
		}
		if !hasValue {
			encoded = name
		}
		decoded, err := url.QueryUnescape(encoded)
		if err != nil {
			decoded = ""
		}
		add(encoded, decoded)
	}
	return out
}

// WithoutURL drops the URL from errors of net/http. It may be that of a
// redirection and contain a token.
func WithoutURL(err error) error {
	for {
		var wrapped *url.Error
		if !errors.As(err, &wrapped) {
			return err
		}
		err = wrapped.Err
	}
}
