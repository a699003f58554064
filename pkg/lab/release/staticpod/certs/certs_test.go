package certs

import (
	"testing"
	"time"
)

func TestIssueStaysInsideSigner(t *testing.T) {
	now := time.Now()
	ca, err := NewAuthority("test-signer", now, 48*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ca.Issue(Request{CommonName: "x", Hosts: []string{"a.test", "127.0.0.1"}, Server: true, Life: 1000 * time.Hour}, now)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := Leaf(p.CertPEM)
	if err != nil {
		t.Fatal(err)
	}
	if leaf.NotAfter.After(ca.NotAfter()) {
		t.Errorf("leaf ends %s, after its signer %s", leaf.NotAfter, ca.NotAfter())
	}
	if !SignedBy(p.CertPEM, ca.CertPEM) {
		t.Error("leaf is not recognised as signed by its signer")
	}
	other, err := NewAuthority("other", now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if SignedBy(p.CertPEM, other.CertPEM) {
		t.Error("leaf is taken as signed by another signer")
	}
	if _, err := LoadAuthority(p); err == nil {
		t.Error("a leaf was loaded as signer")
	}
}

func TestFresh(t *testing.T) {
	t0 := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ca, err := NewAuthority("s", t0, 1000*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ca.Issue(Request{CommonName: "x", Hosts: []string{"a.test", "198.18.0.5"}, Server: true, Life: 100 * time.Hour}, t0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what  string
		after time.Duration
		hosts []string
		want  bool
	}{
		{"new", 0, []string{"a.test"}, true},
		{"address too", 0, []string{"a.test", "198.18.0.5"}, true},
		{"host missing", 0, []string{"b.test"}, false},
		{"79 of 100 hours gone", 79 * time.Hour, nil, true},
		{"81 of 100 hours gone", 81 * time.Hour, nil, false},
		{"expired", 101 * time.Hour, nil, false},
	} {
		if got := Fresh(p.CertPEM, c.hosts, t0.Add(c.after)); got != c.want {
			t.Errorf("%s: fresh = %v, want %v", c.what, got, c.want)
		}
	}
	if Fresh([]byte("junk"), nil, t0) {
		t.Error("junk is fresh")
	}
}
