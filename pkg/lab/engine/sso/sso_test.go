package sso

import (
	"errors"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/secret"
)

func store(clk clock.Clock) *Store {
	return New(clk, Limits{Idle: 30 * time.Minute, Life: time.Hour}, []User{
		{Name: "admin@internal", Password: secret.New("pass"), Admin: true},
		{Name: "admin@ovirt@internalsso", Password: secret.New("other")},
		{Name: "gone@internal", Password: secret.New("pass"), Locked: true},
	})
}

// login signs the administrator in.
func login(t *testing.T, s *Store) (token string, ends time.Time) {
	t.Helper()
	user, err := s.Check("admin@internal", "pass")
	if err != nil {
		t.Fatal(err)
	}
	return s.Open(user)
}

func TestLogin(t *testing.T) {
	s := store(clock.NewFake(time.Unix(0, 0)))
	for _, c := range []struct {
		user, password string
		ok             bool
	}{
		{"admin@internal", "pass", true},
		{"admin@ovirt@internalsso", "other", true},
		{"admin@internal", "other", false},
		{"admin@internal", "", false},
		{"nobody@internal", "pass", false},
		{"gone@internal", "pass", false},
	} {
		user, err := s.Check(c.user, c.password)
		if (err == nil) != c.ok {
			t.Errorf("%s/%s: %v", c.user, c.password, err)
		}
		var denied Denied
		if err != nil && !errors.As(err, &denied) {
			t.Errorf("%s: %v is no refusal", c.user, err)
		}
		if err == nil {
			token, _ := s.Open(user)
			if u, ok := s.User(token); !ok || u.Name != c.user {
				t.Errorf("%s: token belongs to %q", c.user, u.Name)
			}
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	clk := clock.NewFake(time.Unix(0, 0))
	s := store(clk)
	token, ends := login(t, s)
	if !ends.Equal(time.Unix(3600, 0)) {
		t.Errorf("ends at %v", ends)
	}
	clk.Advance(29 * time.Minute)
	if _, ok := s.User(token); !ok {
		t.Fatal("ended before the idle limit")
	}
	clk.Advance(29 * time.Minute)
	if _, ok := s.User(token); !ok {
		t.Fatal("activity did not count")
	}
	clk.Advance(3 * time.Minute)
	if _, ok := s.User(token); ok {
		t.Error("outlived its lifetime")
	}
	token, _ = login(t, s)
	clk.Advance(31 * time.Minute)
	if _, ok := s.User(token); ok {
		t.Error("outlived the idle limit")
	}
}

func TestLogoutAndExpire(t *testing.T) {
	s := store(clock.NewFake(time.Unix(0, 0)))
	a, _ := login(t, s)
	b, _ := login(t, s)
	s.Logout("")
	s.Logout(a)
	if _, ok := s.User(a); ok {
		t.Error("logged out, yet in")
	}
	if n := s.Expire(); n != 1 {
		t.Errorf("%d sessions ended, want 1", n)
	}
	if _, ok := s.User(b); ok {
		t.Error("expired, yet in")
	}
}
