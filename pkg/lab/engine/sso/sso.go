// Package sso is the engine's single sign-on: tokens for names and passwords,
// with an idle limit and a lifetime.
package sso

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/secret"
)

// User may log in. Name is name@profile.
type User struct {
	Name     string
	Password secret.String
	// Admin tells full rights; others only read, and have to say that they
	// want the filtered view.
	Admin bool
	// Locked accounts cannot log in.
	Locked bool
}

// Limits end sessions. Zero means the engine's defaults.
type Limits struct {
	Idle time.Duration
	Life time.Duration
}

// The defaults of oVirt 4.5: UserSessionTimeOutInterval and
// UserSessionHardLimit.
const (
	DefaultIdle = 30 * time.Minute
	DefaultLife = 600 * time.Minute
)

// Denied is the reason for a refused login, in the engine's words.
type Denied string

func (d Denied) Error() string { return string(d) }

// Store holds users and tokens. It is safe for concurrent use.
type Store struct {
	clock  clock.Clock
	limits Limits
	users  []User

	mu       sync.Mutex
	sessions map[string]*session
}

type session struct {
	user          User
	created, used time.Time
}

// New makes a store.
func New(clk clock.Clock, limits Limits, users []User) *Store {
	limits = Limits{Idle: cmp.Or(limits.Idle, DefaultIdle), Life: cmp.Or(limits.Life, DefaultLife)}
	return &Store{clock: clk, limits: limits, users: users, sessions: map[string]*session{}}
}

// Check checks name and password in constant time.
func (s *Store) Check(name, password string) (User, error) {
	var found User
	ok := false
	given := sha256.Sum256([]byte(password))
	for _, u := range s.users {
		want := sha256.Sum256([]byte(u.Password.Reveal()))
		same := subtle.ConstantTimeCompare(given[:], want[:])
		if u.Name == name && same == 1 {
			found, ok = u, true
		}
	}
	if !ok || password == "" {
		user, profile := name, "N/A"
		if i := strings.LastIndex(name, "@"); i >= 0 {
			user, profile = name[:i], name[i+1:]
		}
		return User{}, Denied(fmt.Sprintf(
			"Cannot authenticate user %s@%s: The username or password is incorrect..", user, profile))
	}
	if found.Locked {
		return User{}, Denied(fmt.Sprintf("Cannot authenticate user %s: The user account is disabled or locked. "+
			"Please contact your system administrator..", name))
	}
	return found, nil
}

// Open starts a session and returns its token and when it ends at the latest.
func (s *Store) Open(user User) (token string, ends time.Time) {
	raw := make([]byte, 64)
	_, _ = rand.Read(raw) // never fails
	token = base64.RawURLEncoding.EncodeToString(raw)
	now := s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.sessions, func(_ string, old *session) bool { return s.over(old, now) })
	s.sessions[key(token)] = &session{user: user, created: now, used: now}
	return token, now.Add(s.limits.Life)
}

// User returns who holds a token, and counts as activity.
func (s *Store) User(token string) (User, bool) {
	now := s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.sessions[key(token)]
	if !ok || s.over(found, now) {
		delete(s.sessions, key(token))
		return User{}, false
	}
	found.used = now
	return found.user, true
}

// Logout ends a session. Unknown and empty tokens are no error: the Go SDK
// always logs out with an empty one.
func (s *Store) Logout(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, key(token))
}

// Expire ends all sessions at once and returns how many there were.
func (s *Store) Expire() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.sessions)
	s.sessions = map[string]*session{}
	return n
}

func (s *Store) over(x *session, now time.Time) bool {
	return now.Sub(x.used) > s.limits.Idle || now.Sub(x.created) > s.limits.Life
}

// key keeps tokens out of memory dumps and makes looking one up take the same
// time whatever is guessed.
func key(token string) string {
	sum := sha256.Sum256([]byte(token))
	return string(sum[:])
}
