package gather

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/secret"
)

func TestCleaner(t *testing.T) {
	c := newCleaner([]secret.String{secret.New("correct horse"), secret.New(`{"auths":{"r":{"auth":"dXNlcjpwYXNz"}}}`)})
	pem := "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n"
	token := "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJlc2lnbmF0dXJl"
	tests := []struct{ name, in, want string }{
		{"a known secret", "say correct horse twice: correct horse", "say (hidden) twice: (hidden)"},
		{"a known secret in base64", base64.StdEncoding.EncodeToString([]byte("correct horse")), "(hidden)"},
		{"a login of the pull secret", "Basic dXNlcjpwYXNz", "Basic (hidden)"},
		{"a private key", "before\n" + pem + "after", "before\n(hidden private key)\nafter"},
		{"a private key in JSON", `{"k":"` + strings.ReplaceAll(pem, "\n", `\n`) + `"}`, `{"k":"(hidden private key)\n"}`},
		{"a private key cut short", "x -----BEGIN PRIVATE KEY-----\nabc", "x (hidden private key)"},
		{"a private key in base64", "key: " + base64.StdEncoding.EncodeToString([]byte(pem)), "key: (hidden private key)"},
		{"somebody's registry login", `{"auth": "eHh4Onl5eQ=="}`, `{"auth": "(hidden)"}`},
		{"a token", "token: " + token + ".", "token: (hidden token)."},
		{"a header", "Authorization: Bearer abc.def", "Authorization: Bearer (hidden)"},
		{"a URL with a password", "http://me:open@proxy.test:3128/", "http://me:(hidden)@proxy.test:3128/"},
		{"a file in Ignition", `"source":"data:text/plain;charset=utf-8;base64,` + strings.Repeat("QUJD", 30) + `"`,
			`"source":"data:,(hidden)"`},
		{"an ordinary line", "kubelet started on 198.18.0.21:6443 with sha256:0123456789abcdef",
			"kubelet started on 198.18.0.21:6443 with sha256:0123456789abcdef"},
		{"a certificate", "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
			"-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(c.bytes([]byte(tt.in))); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func FuzzInner(f *testing.F) {
	for _, s := range []string{"log-bundle-1/gather.log", "../../etc/passwd", "/x", "a/../../b", "x/tls/a.key"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if got, ok := inner(name); ok && (got == "" || got[0] == '/' || got == ".." || strings.HasPrefix(got,
			"../") || strings.Contains(got, "/../")) {
			t.Errorf("%q became %q", name, got)
		}
	})
}
