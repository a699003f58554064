package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/secret"
)

func TestStringNeverPrints(t *testing.T) {
	const value = "correct-horse-battery"
	type holder struct {
		Password secret.String  `json:"password"`
		Pointer  *secret.String `json:"pointer"`
	}
	s := secret.New(value)
	h := holder{Password: s, Pointer: &s}

	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("login", "password", s, "all", h)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("login", "password", s, "all", h)
	asJSON, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	ways := map[string]string{
		"%v": fmt.Sprintf("%v", h), "%+v": fmt.Sprintf("%+v", h), "%#v": fmt.Sprintf("%#v", h),
		"%s": fmt.Sprintf("%s", s), "%q": fmt.Sprintf("%q", s), "%x": fmt.Sprintf("%x", s),
		"slog": logged.String(), "json": string(asJSON), "yaml": string(asYAML),
		"error": fmt.Errorf("log in with %v", s).Error(),
	}
	for way, text := range ways {
		if strings.Contains(text, value) || strings.Contains(text, fmt.Sprintf("%x", value)) {
			t.Errorf("%s prints the secret: %s", way, text)
		}
	}
	if s.Reveal() != value {
		t.Errorf("Reveal() = %q", s.Reveal())
	}
}

func TestRedactor(t *testing.T) {
	r := secret.NewRedactor(secret.New("abcdefgh"), secret.New("abcdef"), secret.New("ab"), secret.New(""))
	tests := map[string]string{
		"x abcdefgh y": "x (hidden) y",
		"abcdef":       "(hidden)",
		"ab stays":     "ab stays",
	}
	for in, want := range tests {
		if got := r.Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
	var out bytes.Buffer
	if n, err := r.Writer(&out).Write([]byte("abcdefgh\n")); n != 9 || err != nil {
		t.Errorf("Write = %d, %v", n, err)
	}
	if out.String() != "(hidden)\n" {
		t.Errorf("wrote %q", out.String())
	}
}
