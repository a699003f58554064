package signature

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/okd-install/okd-install/pkg/clock"
)

const (
	digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	other  = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
)

var now = time.Now()

func signer(t *testing.T, at time.Time, life uint32) *openpgp.Entity {
	t.Helper()
	e, err := openpgp.NewEntity("test", "", "", &packet.Config{
		Time: func() time.Time { return at }, KeyLifetimeSecs: life, Algorithm: packet.PubKeyAlgoEdDSA,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func claim(kind, digest string) string {
	return fmt.Sprintf(`{"critical":{"image":{"docker-manifest-digest":%q},"type":%q,`+
		`"identity":{"docker-reference":"quay.io/okd/scos-release:5.0"}},"optional":{}}`, digest, kind)
}

func sign(t *testing.T, e *openpgp.Entity, content string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := openpgp.Sign(&out, e, nil, &packet.Config{Time: func() time.Time { return e.PrimaryKey.CreationTime }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func public(t *testing.T, armored bool, keys ...*openpgp.Entity) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, e := range keys {
		if !armored {
			if err := e.Serialize(&out); err != nil {
				t.Fatal(err)
			}
			continue
		}
		out.WriteString("pub of somebody\n")
		w, err := armor.Encode(&out, openpgp.PublicKeyType, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Serialize(w); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		out.WriteString("\n")
	}
	return out.Bytes()
}

func keyring(t *testing.T, keys ...*openpgp.Entity) Keyring {
	t.Helper()
	ring, err := Parse(public(t, true, keys...))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func TestVerify(t *testing.T) {
	ours, theirs := signer(t, now, 0), signer(t, now, 0)
	expired := signer(t, now.Add(-48*time.Hour), 3600)
	ring := keyring(t, theirs, ours, expired)
	good := sign(t, ours, claim(kind, digest))
	signed, err := ring.Verify(good, digest, now.Add(time.Minute))
	if err != nil || signed.By != fingerprint(ours) {
		t.Fatalf("good signature: %+v, %v", signed, err)
	}
	broken := bytes.Replace(good, []byte("critical"), []byte("Critical"), 1)
	if bytes.Equal(broken, good) {
		t.Fatal("the message was not changed")
	}
	tests := []struct {
		name    string
		ring    Keyring
		message []byte
		want    string
	}{
		{"other signer", keyring(t, theirs), good, "does not have"},
		{"changed content", ring, broken, "signature is bad"},
		{"other image", ring, sign(t, ours, claim(kind, other)), "made for another image"},
		{"other purpose", ring, sign(t, ours, claim("blessing", digest)), "not an atomic container signature"},
		{"not JSON", ring, sign(t, ours, "hello"), "not about an image"},
		{"not signed", ring, []byte(claim(kind, digest)), "not a signed OpenPGP message"},
		{"nothing", ring, nil, "not a signed OpenPGP message"},
		{"expired key", ring, sign(t, expired, claim(kind, digest)), "expired"},
		{"huge", ring, make([]byte, maxMessage+1), "larger"},
		{"bomb", ring, sign(t, ours, strings.Repeat(" ", maxMessage+1)), "larger"},
	}
	for _, tt := range tests {
		_, err := tt.ring.Verify(tt.message, digest, now.Add(time.Minute))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestKeyring(t *testing.T) {
	a, b := signer(t, now, 0), signer(t, now, 0)
	for name, raw := range map[string][]byte{"armored": public(t, true, a, b), "binary": public(t, false, a, b)} {
		ring, err := Parse(raw)
		if err != nil || len(ring.Fingerprints()) != 2 {
			t.Errorf("%s: %v, %v", name, ring.Fingerprints(), err)
		}
	}
	for name, raw := range map[string]string{
		"empty": "", "text": "hello",
		"empty armor": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n",
	} {
		if _, err := Parse([]byte(raw)); err == nil {
			t.Errorf("%s was accepted as a keyring", name)
		}
	}
	path := filepath.Join(t.TempDir(), "key")
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("missing file: %v", err)
	}
	if err := os.WriteFile(path, public(t, true, a), 0o600); err != nil {
		t.Fatal(err)
	}
	if ring, err := Load(path); err != nil || ring.Fingerprints()[0] != fingerprint(a) {
		t.Errorf("file: %v, %v", ring.Fingerprints(), err)
	}
}

func FuzzVerify(f *testing.F) {
	e, err := openpgp.NewEntity("fuzz", "", "", nil)
	if err != nil {
		f.Fatal(err)
	}
	ring := Keyring{keys: openpgp.EntityList{e}}
	f.Add([]byte("-----BEGIN PGP MESSAGE-----\n\n=\n"))
	f.Add([]byte{0x90, 0x0d, 0x03})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if signed, err := ring.Verify(raw, digest, now); err == nil {
			t.Errorf("signed: %+v", signed)
		}
	})
}

func TestStore(t *testing.T) {
	ours, theirs := signer(t, now, 0), signer(t, now, 0)
	ring := keyring(t, ours)
	files := map[string][]byte{}
	failing := false
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch data, ok := files[r.URL.Path]; {
		case failing:
			w.WriteHeader(http.StatusBadGateway)
		case ok:
			_, _ = w.Write(data)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	store := Store{URL: server.URL + "/store/", HTTP: server.Client()}
	dir := "/store/sha256=" + strings.TrimPrefix(digest, "sha256:")
	check := func(name, want string, unknown bool) {
		t.Helper()
		_, err := store.Check(t.Context(), ring, digest, clock.NewFake(now.Add(time.Minute)))
		var failure *Error
		if !errors.As(err, &failure) || !strings.Contains(failure.Error(), want) || failure.Unknown != unknown ||
			failure.Next() == "" {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	check("none", "the store has none", false)
	files[dir+"/signature-1"] = sign(t, theirs, claim(kind, digest))
	check("other signer", "signature-1: it was made with key", false)
	files[dir+"/signature-2"] = sign(t, ours, claim(kind, digest))
	signed, err := store.Check(t.Context(), ring, digest, clock.NewFake(now.Add(time.Minute)))
	if err != nil || signed.By != fingerprint(ours) {
		t.Errorf("second signature: %+v, %v", signed, err)
	}
	failing = true
	check("store fails", "502 Bad Gateway", true)
	server.Close()
	check("store is down", "connection refused", true)
	store.URL = "http://okd.test"
	check("plain http", "use https", true)
}
