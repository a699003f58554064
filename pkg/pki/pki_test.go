package pki

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/ssh"
)

var t0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestKey(t *testing.T) {
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if key.N.BitLen() != KeyBits {
		t.Errorf("the key has %d bits", key.N.BitLen())
	}
	back, err := ParseKey(EncodeKey(key))
	if err != nil || !back.Equal(key) {
		t.Errorf("ParseKey(EncodeKey(k)) = %v", err)
	}
}

func BenchmarkKey(b *testing.B) {
	for b.Loop() {
		if _, err := NewKey(); err != nil {
			b.Fatal(err)
		}
	}
}

// All randomness comes from the standard library's source, which tests can set
// to get the same keys again.
func TestReproducible(t *testing.T) {
	drawn := func(seed uint64) string {
		cryptotest.SetGlobalRandom(t, seed)
		ca, err := NewAuthority(t0, Name{Common: "ca"}, Day)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := ca.Issue(t0, Leaf{Name: Name{Common: "leaf"}, Life: Day})
		if err != nil {
			t.Fatal(err)
		}
		key, err := NewSSHKey("core")
		if err != nil {
			t.Fatal(err)
		}
		password, err := NewPassword()
		if err != nil {
			t.Fatal(err)
		}
		hash, err := HashPassword(password)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s%s%s%s%s %s %s", ca.Cert, ca.Key, leaf.Cert, leaf.Key, key.PrivatePEM, password, hash)
	}
	one := drawn(1)
	if drawn(1) != one {
		t.Error("same randomness, different keys")
	}
	if drawn(2) == one {
		t.Error("different randomness, same keys")
	}
}

func TestIssue(t *testing.T) {
	ca, err := NewAuthority(t0, Name{Common: "ca", Unit: "openshift"}, TenYears)
	if err != nil {
		t.Fatal(err)
	}
	later := t0.Add(time.Hour)
	leaf, err := ca.Issue(later, Leaf{
		Name: Name{Common: "srv", Organization: []string{"o"}}, Life: Day, Usage: Server, Chain: true,
		DNS: []string{"a.test"}, IPs: []netip.Addr{netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("::1")},
	})
	if err != nil {
		t.Fatal(err)
	}
	certs, err := ParseCertificates(leaf.Cert)
	if err != nil {
		t.Fatal(err)
	}
	if len(certs) != 2 || !bytes.HasSuffix(leaf.Cert, ca.Cert) {
		t.Fatalf("chain of %d certificates", len(certs))
	}
	c := certs[0]
	if !c.NotBefore.Equal(t0) || !c.NotAfter.Equal(later.Add(Day)) {
		t.Errorf("valid %s to %s", c.NotBefore, c.NotAfter)
	}
	pool := x509.NewCertPool()
	pool.AddCert(certs[1])
	for host, good := range map[string]bool{"a.test": true, "198.18.0.1": true, "::1": true, "b.test": false} {
		_, err := c.Verify(x509.VerifyOptions{DNSName: host, Roots: pool, CurrentTime: later})
		if (err == nil) != good {
			t.Errorf("verify %s: %v", host, err)
		}
	}
	asClient := x509.VerifyOptions{
		Roots: pool, CurrentTime: later, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if _, err := c.Verify(asClient); err == nil {
		t.Error("a server certificate passes as a client's")
	}
	if n := bytes.Count(Bundle(ca, ca, leaf), []byte("BEGIN")); n != 3 {
		t.Errorf("bundle of CA twice and a chain holds %d certificates, want 3", n)
	}
	for _, s := range []string{fmt.Sprintf("%v %+v %#v %s", ca, ca, ca, ca), ca.LogValue().String()} {
		if strings.Contains(s, "KEY") || strings.Contains(s, "45 45") {
			t.Errorf("printing a pair shows %s", s)
		}
	}
}

func TestStale(t *testing.T) {
	day, err := NewAuthority(t0, Name{Common: "day"}, Day)
	if err != nil {
		t.Fatal(err)
	}
	decade, err := NewAuthority(t0, Name{Common: "decade"}, TenYears)
	if err != nil {
		t.Fatal(err)
	}
	late, err := decade.Issue(t0.Add(5*Day), Leaf{Name: Name{Common: "late"}, Life: Day})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		pair  Pair
		after time.Duration
		want  string // part of the reason
	}{
		{"new", day, 0, ""},
		{"first half of a day", day, 12*time.Hour - time.Second, ""},
		{"second half of a day", day, 12*time.Hour + time.Second, "expires at"},
		{"at its end", day, Day, "expired at"},
		{"clock set back", day, -time.Second, "not valid before"},
		{"ten years, nine later", decade, 9 * Year, ""},
		{"ten years, a month before", decade, TenYears - 29*Day, "expires at"},
		{"unreadable", Pair{Cert: []byte("x")}, 0, "cannot be read"},
		// Its NotBefore is that of its CA, which is five days older.
		{"a day, issued late", late, 5*Day + time.Hour, ""},
		{"a day, issued late, in its second half", late, 5*Day + 13*time.Hour, "expires at"},
	}
	for _, tt := range tests {
		got := tt.pair.Stale(t0.Add(tt.after))
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestSSHKey(t *testing.T) {
	k, err := NewSSHKey("core@bootstrap")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(k.PrivatePEM)
	if err != nil {
		t.Fatal(err)
	}
	public, comment, _, _, err := ssh.ParseAuthorizedKey([]byte(k.AuthorizedKey))
	if err != nil || comment != "core@bootstrap" {
		t.Fatalf("comment %q, %v", comment, err)
	}
	if !bytes.Equal(public.Marshal(), signer.PublicKey().Marshal()) {
		t.Error("the public key does not belong to the private one")
	}
	if strings.Contains(fmt.Sprintf("%v%+v%#v", k, k, SSHKeys{User: k}), "PRIVATE") {
		t.Error("printing a key pair shows the private key")
	}
}

func TestPassword(t *testing.T) {
	pw, err := NewPassword()
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[a-zA-Z2-9]{5}(-[a-zA-Z2-9]{5}){3}$`).MatchString(pw) {
		t.Errorf("password %q", pw)
	}
	hash, err := HashPassword(pw)
	if err != nil {
		t.Fatal(err)
	}
	err = bcrypt.CompareHashAndPassword([]byte(hash), []byte(pw))
	if err != nil || !strings.HasPrefix(hash, "$2a$10$") {
		t.Errorf("the hash is %s: %v", hash, err)
	}
	if bcrypt.CompareHashAndPassword([]byte(hash), []byte(pw+"x")) == nil {
		t.Error("another password passes")
	}
}
