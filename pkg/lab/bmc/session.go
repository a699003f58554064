package bmc

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/lab/bmc/wire"
)

// sessions are the logins that have not ended.
type sessions struct {
	list []session
	made int
}

type session struct {
	id, token string
	last      time.Time
}

// knows reports whether these are the controller's user and password.
func (b *BMC) knows(user, password string) bool {
	return wire.Same(user, b.cfg.User) && wire.Same(password, b.cfg.Password.Reveal())
}

// loggedIn reports whether a request has a session, or user and password.
func (b *BMC) loggedIn(r *http.Request) bool {
	if token := r.Header.Get("X-Auth-Token"); token != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.expire()
		for i, s := range b.sessions.list {
			if wire.Same(s.token, token) {
				b.sessions.list[i].last = b.now()
				return true
			}
		}
		return false
	}
	user, password, ok := r.BasicAuth()
	return ok && b.knows(user, password)
}

// expire ends sessions that nobody has used. The caller holds the lock.
func (b *BMC) expire() {
	end := b.now().Add(-b.p.Sessions.Idle)
	b.sessions.list = slices.DeleteFunc(b.sessions.list, func(s session) bool { return s.last.Before(end) })
}

// Sessions is how many logins have not ended.
func (b *BMC) Sessions() (n int) {
	b.locked(func() {
		b.expire()
		n = len(b.sessions.list)
	})
	return n
}

func (b *BMC) sessionService() wire.Object {
	o := wire.Head(sessionService, "SessionService.v1_1_8.SessionService", "SessionService", "Session Service")
	o["ServiceEnabled"], o["SessionTimeout"] = true, int(b.p.Sessions.Idle.Seconds())
	o["Sessions"], o["Status"] = wire.Link(sessionsPath), wire.Healthy
	return o
}

// sessionCollection can be posted to without a login, but not read.
func (b *BMC) sessionCollection() resource {
	list := func(c *call) (answer, error) {
		if !b.loggedIn(c.Request) {
			return answer{}, vendor.Refuse(vendor.Unauthorized)
		}
		var paths []string
		b.locked(func() {
			b.expire()
			for _, s := range b.sessions.list {
				paths = append(paths, sessionsPath+"/"+s.id)
			}
		})
		return done(wire.Collection(sessionsPath, "SessionCollection", "Sessions", paths...)), nil
	}
	return resource{get: list, post: b.login, open: true}
}

func (b *BMC) login(c *call) (answer, error) {
	if err := wire.Only(c.fields, vendor.UnknownField, "UserName", "Password", "SessionType"); err != nil {
		return answer{}, err
	}
	user, _, err := wire.Field[string](c.fields, "UserName")
	if err != nil {
		return answer{}, err
	}
	password, _, err := wire.Field[string](c.fields, "Password")
	switch {
	case err != nil:
		return answer{}, err
	case user == "" || password == "":
		return answer{}, vendor.Wrong(vendor.Incomplete, "UserName")
	case !b.knows(user, password):
		return answer{}, vendor.Refuse(vendor.Unauthorized)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expire()
	if b.faults.sessionLimit || len(b.sessions.list) >= b.p.Sessions.Max {
		return answer{}, vendor.Refuse(vendor.SessionLimit)
	}
	b.sessions.made++
	s := session{id: fmt.Sprint(b.sessions.made), token: rand.Text(), last: b.now()}
	b.sessions.list = append(b.sessions.list, s)
	where := sessionsPath + "/" + s.id
	a := at(http.StatusCreated, where, b.sessionBody(s.id))
	if b.p.Sessions.Absolute {
		a.header.Set("Location", "https://"+c.Host+where)
	}
	a.header.Set("X-Auth-Token", s.token)
	return a, nil
}

func (b *BMC) sessionBody(id string) wire.Object {
	o := wire.Head(sessionsPath+"/"+id, "Session.v1_3_0.Session", id, "User Session")
	o["UserName"] = b.cfg.User
	return o
}

// session is one session as a resource.
func (b *BMC) session(id string) (resource, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	is := func(s session) bool { return s.id == id }
	if !slices.ContainsFunc(b.sessions.list, is) {
		return resource{}, false
	}
	return resource{
		get: func(*call) (answer, error) { return done(b.sessionBody(id)), nil },
		delete: func(*call) (answer, error) {
			b.locked(func() { b.sessions.list = slices.DeleteFunc(b.sessions.list, is) })
			return noContent, nil
		},
	}, true
}
