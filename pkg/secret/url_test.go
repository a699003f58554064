package secret_test

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/secret"
)

func TestURL(t *testing.T) {
	for _, tt := range []struct {
		raw, want string
		secrets   []string
	}{
		{"https://images.test/a/b.qcow2", "https://images.test/a/b.qcow2", nil},
		{"https://images.test:8443/a%20b?sha256=ab", "https://images.test:8443/a%20b?sha256=ab", nil},
		{"https://me:pa%2Fss@images.test/a", "https://(hidden)@images.test/a", []string{"pa/ss", "pa%2Fss"}},
		{"https://t0ken@images.test/a", "https://(hidden)@images.test/a", []string{"t0ken", "t0ken"}},
		{"https://h/a?X-Sig=a%2Bb&sha256=cd", "https://h/a?X-Sig=(hidden)&sha256=cd", []string{"a%2Bb", "a+b"}},
		{"https://h/a?t0ken", "https://h/a?(hidden)", []string{"t0ken", "t0ken"}},
		{"https://h/a#t0ken", "https://h/a#(hidden)", nil},
		{"file:///srv/x.qcow2", "file:///srv/x.qcow2", nil},
		{"mailto:me:pass@h", "(hidden)", nil},
		{"https://me:pa ss@h/%zz", "(hidden)", nil},
	} {
		if got := secret.URL(tt.raw); got != tt.want {
			t.Errorf("%s is shown as %s, want %s", tt.raw, got, tt.want)
		}
		var got []string
		for _, s := range secret.InURL(tt.raw) {
			got = append(got, s.Reveal())
		}
		if !slices.Equal(got, tt.secrets) {
			t.Errorf("secrets of %s: %q, want %q", tt.raw, got, tt.secrets)
		}
	}
}

func TestWithoutURL(t *testing.T) {
	cause := errors.New("connection refused")
	inner := &url.Error{Op: "Get", URL: "x", Err: cause}
	err := fmt.Errorf("download: %w", &url.Error{Op: "Get", URL: "https://h/?t0ken", Err: inner})
	if got := secret.WithoutURL(err); !errors.Is(got, cause) || got.Error() != "connection refused" {
		t.Errorf("%v", got)
	}
	if got := secret.WithoutURL(cause); got.Error() != cause.Error() {
		t.Errorf("%v", got)
	}
}

func FuzzURL(f *testing.F) {
	f.Add("https://me:longsecret@h/a?token=longsecret")
	f.Fuzz(func(t *testing.T, raw string) {
		for _, s := range secret.InURL(raw) {
			text := s.Reveal()
			u, err := url.Parse(raw)
			// A secret that is also in a part that is shown cannot be checked.
			if err != nil || len(text) < 6 || strings.Contains("(hidden)", text) ||
				strings.Contains(u.Scheme+u.Host+u.EscapedPath(), text) {
				continue
			}
			shown := secret.URL(raw)
			if strings.Contains(strings.ReplaceAll(shown, "sha256", ""), text) && !strings.Contains(u.RawQuery, text+"=") {
				t.Errorf("%q shows %q: %q", raw, text, shown)
			}
		}
	})
}
