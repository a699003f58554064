package seal

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"filippo.io/age"
)

func must(t *testing.T, k *Key, err error) *Key {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func parse(t *testing.T, text string) *Key {
	t.Helper()
	k, err := ParseKey([]byte(text))
	return must(t, k, err)
}

// cheap makes a key from a passphrase with a low work factor.
func cheap(t *testing.T, text string) *Key {
	t.Helper()
	k, err := passphrase(text, 4)
	return must(t, k, err)
}

func identityFile(t *testing.T) []byte {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, "# created: today\n# public key: %s\n%s\n", id.Recipient(), id)
}

func TestRoundTrip(t *testing.T) {
	identity := parse(t, string(identityFile(t)))
	tests := []struct {
		name        string
		key, opener *Key
	}{
		{"passphrase", cheap(t, "correct horse"), parse(t, "correct horse\n")},
		{"age identity", identity, identity},
	}
	text := []byte(strings.Repeat("a secret state ", 10_000))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			box, err := tt.key.NewBox()
			if err != nil {
				t.Fatal(err)
			}
			data, err := box.Seal(text)
			if err != nil {
				t.Fatal(err)
			}
			if !Sealed(data) || Sealed(text) || bytes.Contains(data, []byte("secret")) {
				t.Error("not sealed")
			}
			again, plain, err := tt.opener.Open(data)
			if err != nil || !bytes.Equal(plain, text) {
				t.Fatalf("opened: %d bytes, %v", len(plain), err)
			}
			// A box that was opened seals for the same key.
			data, err = again.Seal([]byte("second"))
			if err != nil {
				t.Fatal(err)
			}
			if _, plain, err = tt.opener.Open(data); err != nil || string(plain) != "second" {
				t.Errorf("opened %q, %v", plain, err)
			}
			if _, _, err := parse(t, "wrong horse").Open(data); !errors.Is(err, ErrWrongKey) {
				t.Errorf("wrong passphrase: %v", err)
			}
			if _, _, err := parse(t, string(identityFile(t))).Open(data); !errors.Is(err, ErrWrongKey) {
				t.Errorf("wrong identity: %v", err)
			}
			damaged := bytes.Replace(data, data[len(data)-30:len(data)-20], []byte("AAAAAAAAAA"), 1)
			if _, _, err := tt.opener.Open(damaged); err == nil || errors.Is(err, ErrWrongKey) {
				t.Errorf("damaged: %v", err)
			}
		})
	}
}

func TestBadKeys(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "empty",
		" \n":                     "empty",
		"one\ntwo\n":              "one line",
		"AGE-SECRET-KEY-1NOTAKEY": "not a valid age identity file",
	} {
		_, err := ParseKey([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "NOTAKEY") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	k := parse(t, "correct horse")
	if shown := fmt.Sprintf("%v %+v %#v", k, k, k); strings.Contains(shown, "horse") {
		t.Errorf("printing a key shows it: %s", shown)
	}
}

func TestNewerVersion(t *testing.T) {
	data := []byte(`{"okdInstallSealed":2,"key":"","data":""}`)
	if _, _, err := parse(t, "x").Open(data); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("got %v", err)
	}
}

// FuzzOpen opens files that were made without the key.
func FuzzOpen(f *testing.F) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	k, err := ParseKey([]byte(id.String()))
	if err != nil {
		f.Fatal(err)
	}
	box, err := k.NewBox()
	if err != nil {
		f.Fatal(err)
	}
	good, err := box.Seal([]byte("state"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"okdInstallSealed":1,"key":"-----BEGIN AGE ENCRYPTED FILE-----\n","data":"YWdl"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		// A file that was made without the key does not open.
		if _, plain, err := k.Open(data); err == nil && string(plain) != "state" {
			t.Errorf("opened a forgery: %q", plain)
		}
	})
}

// BenchmarkSeal measures what sealing adds to every save of the state.
func BenchmarkSeal(b *testing.B) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		b.Fatal(err)
	}
	k, err := ParseKey([]byte(id.String()))
	if err != nil {
		b.Fatal(err)
	}
	box, err := k.NewBox()
	if err != nil {
		b.Fatal(err)
	}
	data := bytes.Repeat([]byte("0123456789abcdef"), 64<<10) // 1 MiB
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := box.Seal(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPassphrase measures the cost of a passphrase, once per run.
func BenchmarkPassphrase(b *testing.B) {
	k, err := Passphrase("correct horse")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := k.NewBox(); err != nil {
			b.Fatal(err)
		}
	}
}
