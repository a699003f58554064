package secret

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// plainQuery are the parameters of URLs that are shown. Any other may be a
// token.
var plainQuery = []string{"sha256"}

// URL is a URL to be shown: scheme, host and path, and of its query only what is
// known to be no secret. A login, every other parameter and the fragment are
// replaced by "(hidden)"; so is a text that is no URL.
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
			out = append(out, hidden) // a token may stand there without a name
		}
	}
	return strings.Join(out, "&")
}

// InURL are the parts of a URL that URL would hide, as they are written and as
// they are meant.
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
		_, written, _ := strings.Cut(u.User.String(), ":")
		add(password, written)
	} else if u.User != nil { // a token alone
		add(u.User.Username(), u.User.String())
	}
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, written, hasValue := strings.Cut(pair, "=")
		if slices.Contains(plainQuery, name) {
			continue
		}
		if !hasValue {
			written = name
		}
		meant, err := url.QueryUnescape(written)
		if err != nil {
			meant = ""
		}
		add(written, meant)
	}
	return out
}

// WithoutURL drops the URL that net/http puts in front of its errors: it is the
// last one of a chain of redirections, and may carry a token.
func WithoutURL(err error) error {
	for {
		var wrapped *url.Error
		if !errors.As(err, &wrapped) {
			return err
		}
		err = wrapped.Err
	}
}
