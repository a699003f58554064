package asset

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/seal"
)

var (
	wConfig = Source("secret.yaml", "secret.yaml")
	wRead   = From1("secret-read", wConfig, func(_ Env, b []byte) (string, error) {
		return strings.TrimSpace(strings.TrimPrefix(string(b), "filled ")), nil
	}, Transient())
	wFiles = From2("secret-files", wRead, tNumber, func(_ Env, s string, n number) (Files, error) {
		return Files{NewFile("out/a.yaml", []byte(s+" "+n.N+"\n")), NewFile("out/b.yaml", []byte("b\n"))}, nil
	}, OwnsDir("out"), Confidential(wConfig))
)

// withheld opens a store that withholds what comes after the word password. With a text there is somebody to ask.
func (w world) withheld(key *seal.Key, answer string) *Store {
	w.t.Helper()
	o := w.options(Refuse)
	o.Key = key
	s, err := Open(w.dir, o)
	if err != nil {
		w.t.Fatal(err)
	}
	Withhold(s, wConfig, Withholding{
		Blank: func(text []byte) ([]byte, bool) {
			public, _, any := bytes.Cut(text, []byte("password="))
			return append(bytes.Clone(public), "password="...), any
		},
		Fill: func(public []byte) ([]byte, error) {
			if answer == "" {
				return nil, errors.New("nobody knows")
			}
			return []byte("filled " + string(public) + answer), nil
		},
	})
	return s
}

func TestWithhold(t *testing.T) {
	run := func(s *Store) (string, error) {
		t.Helper()
		r, err := s.Run(context.Background(), []Ref{wFiles}, []Ref{wRead})
		if err = errors.Join(err, s.Close()); err != nil {
			return "", err
		}
		return Of(r, wRead), nil
	}
	state := func(w world) string { return w.read(StateName) }
	leaks := func(w world) bool {
		return strings.Contains(state(w), "Z2VoZWlt") || strings.Contains(state(w), "geheim")
	}
	const text = "user=a password=geheim"
	for _, started := range []bool{false, true} {
		w := newWorld(t)
		w.write("secret.yaml", text+"\n")
		if got, err := run(w.withheld(nil, "")); err != nil || got != text || leaks(w) {
			t.Fatalf("%q, %v\n%s", got, err, state(w))
		}
		first, before := w.read("out/a.yaml"), state(w)
		if got, err := run(w.withheld(nil, "")); err != nil || got != text || state(w) != before {
			t.Errorf("again: %q, %v; the state changes: %v", got, err, state(w) != before)
		}
		w.write("out/b.yaml", "mine\n")
		if _, err := run(w.withheld(nil, "")); err != nil || w.read("out/b.yaml") != "mine\n" {
			t.Errorf("an edit: %v, %q", err, w.read("out/b.yaml"))
		}
		if started {
			s := w.withheld(nil, "")
			if err := errors.Join(s.MarkStarted(), s.Close()); err != nil {
				t.Fatal(err)
			}
			w.write("secret.yaml", "user=b password=other\n")
		} else {
			w.remove("secret.yaml")
		}
		if _, err := run(w.withheld(nil, "")); err == nil || !strings.Contains(err.Error(), "nobody knows") {
			t.Errorf("without the file: %v", err)
		}
		got, err := run(w.withheld(nil, "geheim"))
		if err != nil || got != text || w.read("out/a.yaml") != first || leaks(w) {
			t.Errorf("asked: %q, %v, %q", got, err, w.read("out/a.yaml"))
		}
		if w.read("out/b.yaml") != "mine\n" {
			t.Errorf("the edit is lost")
		}
	}
}

// A state that is encrypted has everything; one that was in clear is mended.
func TestWithholdAndSeal(t *testing.T) {
	w := newWorld(t)
	w.write("secret.yaml", "user=a password=geheim\n")
	key, err := seal.Passphrase("a passphrase")
	if err != nil {
		t.Fatal(err)
	}
	run := func(s *Store) error {
		_, err := s.Run(context.Background(), []Ref{wFiles}, nil)
		return errors.Join(err, s.Close())
	}
	if err := run(w.withheld(key, "")); err != nil {
		t.Fatal(err)
	}
	w.remove("secret.yaml")
	if err := run(w.withheld(key, "")); err != nil {
		t.Errorf("encrypted: %v", err)
	}
}
