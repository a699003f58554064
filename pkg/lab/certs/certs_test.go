package certs

import (
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/pki"
)

func TestIssueStaysInsideSigner(t *testing.T) {
	now := time.Now()
	ca, err := NewAuthority(now, pki.Name{Common: "test-signer"}, 48*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	x := pki.Leaf{Name: pki.Name{Common: "x"}, Usage: pki.Server, Life: 1000 * time.Hour}
	p, err := Issue(ca, now, x, "a.test", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if p.Expires().After(ca.Expires()) {
		t.Errorf("leaf ends %s, after its signer %s", p.Expires(), ca.Expires())
	}
	if !SignedBy(p.Cert, ca.Cert) {
		t.Error("leaf is not recognised as signed by its signer")
	}
	other, err := NewAuthority(now, pki.Name{Common: "other"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if SignedBy(p.Cert, other.Cert) {
		t.Error("leaf is taken as signed by another signer")
	}
	if _, err := Issue(p, now, x); err == nil {
		t.Error("a leaf signed")
	}
}

func TestFresh(t *testing.T) {
	t0 := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ca, err := NewAuthority(t0, pki.Name{Common: "s"}, 1000*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	x := pki.Leaf{Name: pki.Name{Common: "x"}, Usage: pki.Server, Life: 100 * time.Hour}
	p, err := Issue(ca, t0, x, "a.test", "198.18.0.5")
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
		if got := Fresh(p.Cert, c.hosts, t0.Add(c.after)); got != c.want {
			t.Errorf("%s: fresh = %v, want %v", c.what, got, c.want)
		}
	}
	if Fresh([]byte("junk"), nil, t0) {
		t.Error("junk is fresh")
	}
}
