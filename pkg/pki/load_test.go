package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	ca, err := NewAuthority(t0, Name{Common: "ca"}, Day)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewAuthority(t0, Name{Common: "other"}, Day)
	if err != nil {
		t.Fatal(err)
	}
	client, err := ca.Issue(t0, Leaf{Name: Name{Common: "client"}, Life: Day, Usage: Client})
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseKey(ca.Key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curveDER, err := x509.MarshalPKCS8PrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}) }

	for _, tt := range []struct {
		name      string
		cert, key []byte
		saying    string
	}{
		{"as made here", ca.Cert, ca.Key, ""},
		{"PKCS#8, with the text of openssl", append([]byte("Certificate:\n    Data:\n"), ca.Cert...), pkcs8(der), ""},
		{"the key of another", ca.Cert, other.Key, `the key does not belong to the certificate "CN=ca"`},
		{"no certificate", []byte("hello"), ca.Key, "parse certificates: no PEM block"},
		{"no key", ca.Cert, nil, "parse private key: no PEM block"},
		{"a key of another kind", ca.Cert, pkcs8(curveDER), "not an RSA key"},
		{"half a key", ca.Cert, pkcs8(der[:100]), "parse private key"},
	} {
		got, err := Load(tt.cert, tt.key)
		switch {
		case tt.saying != "":
			if err == nil || !strings.Contains(err.Error(), tt.saying) {
				t.Errorf("%s: %v, should say %q", tt.name, err, tt.saying)
			}
		case err != nil || string(got.Cert) != string(ca.Cert) || string(got.Key) != string(ca.Key):
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
	}

	for _, tt := range []struct {
		name   string
		err    error
		saying string
	}{
		{"a CA", ca.CheckAuthority(t0.Add(time.Hour)), ""},
		{"an expired CA", ca.CheckAuthority(t0.Add(Day)), "expired at 2026-01-03T03:04:05Z"},
		{"a CA of tomorrow", ca.CheckAuthority(t0.Add(-time.Hour)), "not valid before"},
		{"a client as CA", client.CheckAuthority(t0.Add(time.Hour)), "is not a CA"},
		{"a client", client.CheckClient(t0.Add(time.Hour), ca), ""},
		{
			"a client of another", client.CheckClient(t0.Add(time.Hour), other),
			`"CN=client" was not signed by "CN=other"`,
		},
		{"an expired client", client.CheckClient(t0.Add(Day), ca), "expired"},
		{"a CA as client", ca.CheckClient(t0.Add(time.Hour), ca), "is not a client certificate"},
	} {
		if (tt.err == nil) != (tt.saying == "") || tt.err != nil && !strings.Contains(tt.err.Error(), tt.saying) {
			t.Errorf("%s: %v, should say %q", tt.name, tt.err, tt.saying)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		_, _ = ParseKey(raw)
		_, _ = ParseCertificates(raw)
	})
}
