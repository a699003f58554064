package redfish

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/okd-install/okd-install/pkg/secret"
)

// auth is how requests are authorized: by a session, else by the login itself.
type auth struct {
	token   secret.String
	session string // path of the session, to end it
	basic   bool
}

func (a auth) add(r *http.Request, username string, password secret.String) {
	switch {
	case a.basic:
		r.SetBasicAuth(username, password.Reveal())
	case !a.token.IsZero():
		r.Header.Set("X-Auth-Token", a.token.Reveal())
	}
}

// root is the part of the service's root that is needed.
type root struct {
	Vendor         string
	Product        string
	Systems        link
	Managers       link
	SessionService link
	LicenseService link
	Links          struct{ Sessions link }
}

type link struct {
	ID string `json:"@odata.id"`
}

const rootPath = "/redfish/v1/"

// login makes a new session. The caller has the turn. BMCs without sessions, or without a free one, are given the
// login with each request.
func (c *conn) login(ctx context.Context) error {
	if c.refused != nil { // BMCs lock accounts
		return c.refused
	}
	err := c.logInto(ctx)
	if Is(err, BadLogin) {
		c.refused = err
	}
	return err
}

func (c *conn) logInto(ctx context.Context) error {
	c.auth = auth{}
	var r root
	a, err := c.attempts(ctx, request{action: "log in", method: http.MethodGet, path: rootPath, open: true})
	if Is(err, BadLogin, Forbidden) { // some want a login for the root as well
		return c.basic(ctx)
	}
	if err != nil {
		return c.noService(err)
	}
	if err := json.Unmarshal(a.body, &r); err != nil || r.Systems.ID == "" {
		return c.fail(request{action: "log in"}, &Error{
			Kind: NotRedfish, Detail: "the answer to " + rootPath + " is not that of a Redfish service"})
	}
	c.root = r
	sessions := r.Links.Sessions.ID
	if sessions == "" {
		return c.basic(ctx)
	}
	a, err = c.attempts(ctx, request{
		action: "log in", method: http.MethodPost, path: sessions, open: true,
		body: map[string]string{"UserName": c.username, "Password": c.password.Reveal()},
	})
	if Is(err, BadLogin, Forbidden, Unreachable, UntrustedCA, NotRedfish) || err != nil && ctx.Err() != nil {
		return err
	}
	if err != nil {
		c.log.Debug("the BMC makes no session", "err", err)
		return c.basic(ctx)
	}
	c.auth.session = sessionPath(a)
	token := a.header.Get("X-Auth-Token")
	if token == "" {
		return c.basic(ctx)
	}
	c.auth.token = secret.New(token)
	c.hideAlso([]secret.String{c.auth.token})
	return nil
}

// noService says of a server that has no root that it is something else.
func (c *conn) noService(err error) error {
	if !Is(err, NotFound, Unsupported, Refused) {
		return err
	}
	return c.fail(request{action: "log in"}, &Error{Kind: NotRedfish, Status: status(err), Err: err})
}

// basic sends the login with each request, if the BMC takes it.
func (c *conn) basic(ctx context.Context) error {
	session := c.auth.session // one without a token is ended, too
	c.auth = auth{basic: true, session: session}
	_, _, err := c.once(ctx, request{action: "log in", method: http.MethodGet, path: rootPath + "Systems"})
	if Is(err, BadLogin, Forbidden) {
		return err
	}
	return nil // anything else concerns the requests that follow
}

// sessionPath is where a session can be ended.
func sessionPath(a *answer) string {
	at := a.header.Get("Location")
	if at == "" {
		var self link
		_ = json.Unmarshal(a.body, &self) // without it the session ends by itself
		at = self.ID
	}
	u, err := url.Parse(at)
	if err != nil {
		return ""
	}
	return u.Path
}

// logoutLimit bounds the end of a session, which happens after an interruption, too.
const logoutLimit = 20 * time.Second

// close ends the session. Later requests fail.
func (c *conn) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutLimit)
	defer cancel()
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return c.stopped(ctx, "log out")
	}
	defer c.lasting.CloseIdleConnections()
	if c.closed {
		return nil
	}
	c.closed = true
	return c.logout(ctx)
}

// logout ends the session. The caller has the turn.
func (c *conn) logout(ctx context.Context) error {
	if c.auth.session == "" {
		return nil
	}
	_, _, err := c.once(ctx, request{action: "log out", method: http.MethodDelete, path: c.auth.session})
	if Is(err, BadLogin, NotFound) { // it has ended already
		return nil
	}
	return err
}

// start makes the first session.
func (c *conn) start(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return c.stopped(ctx, "log in")
	}
	return c.login(ctx)
}
