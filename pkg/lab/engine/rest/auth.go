package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/sso"
)

const sessionCookie = "JSESSIONID"

// authenticate identifies the account of a request by token, session cookie or
// name and password, or answers the request with a refusal.
func (s *Server) authenticate(w http.ResponseWriter, r *http.Request) (sso.User, bool) {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		user, ok := s.sso.User(token)
		if !ok {
			expired(w)
		}
		return user, ok
	}
	if name, password, ok := r.BasicAuth(); ok {
		return s.basic(w, r, name, password)
	}
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		if user, ok := s.sso.User(cookie.Value); ok {
			return user, true
		}
	}
	unauthorized(w, "Unauthorized")
	return sso.User{}, false
}

func (s *Server) basic(w http.ResponseWriter, r *http.Request, name, password string) (sso.User, bool) {
	user, err := s.sso.Check(name, password)
	if err != nil {
		unauthorized(w, err.Error())
		return sso.User{}, false
	}
	if strings.Contains(strings.ToLower(r.Header.Get("Prefer")), "persistent-auth") {
		token, _ := s.sso.Open(user)
		http.SetCookie(w, &http.Cookie{
			Name: sessionCookie, Value: token, Path: "/ovirt-engine/api", Secure: true, HttpOnly: true,
		})
	}
	return user, true
}

func unauthorized(w http.ResponseWriter, why string) {
	w.Header().Set("WWW-Authenticate", `Basic realm="RESTAPI"`)
	html(w, http.StatusUnauthorized, why)
}

// expired answers a request with a token that is not valid any more. Clients
// recognize the text.
func expired(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="RESTAPI"`)
	html(w, http.StatusUnauthorized, "invalid_grant: The provided authorization grant for the auth code has expired.")
}

func html(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/html;charset=UTF-8")
	w.WriteHeader(status)
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	fmt.Fprintf(w, "<html><head><title>Error</title></head><body>%s</body></html>", escape.Replace(text))
}

// token serves the password grant of /sso/oauth/token.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	if grant := r.Form.Get("grant_type"); grant != "password" {
		ssoError(w, "unsupported_grant_type", "Unsupported grant type: "+grant)
		return
	}
	name := r.Form.Get("username")
	user, err := s.sso.Check(name, r.Form.Get("password"))
	if err != nil {
		s.Log.Info("login refused", "user", name)
		ssoError(w, "access_denied", err.Error())
		return
	}
	token, ends := s.sso.Open(user)
	s.Log.Info("logged in", "user", name)
	WriteJSON(w, http.StatusOK, map[string]string{
		"access_token": token,
		"scope":        r.Form.Get("scope"),
		"exp":          strconv.FormatInt(ends.UnixMilli(), 10),
		"token_type":   "bearer",
	})
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	if readForm(w, r) {
		s.sso.Logout(r.Form.Get("token"))
		WriteJSON(w, http.StatusOK, struct{}{})
	}
}

// readForm reads a request's form, or answers the request with a refusal.
func readForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		ssoError(w, "invalid_request", "Invalid request")
		return false
	}
	return true
}

func ssoError(w http.ResponseWriter, code, text string) {
	WriteJSON(w, http.StatusBadRequest, map[string]string{"error_code": code, "error": text})
}

// WriteJSON answers a request with JSON.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails only when the client has hung up
}

// pki serves the CA certificate, which clients fetch before they trust the
// engine.
func (s *Server) pki(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("resource") != "ca-certificate" {
		html(w, http.StatusNotFound, "Resource not found")
		return
	}
	w.Header().Set("Content-Type", "application/x-x509-ca-cert")
	_, _ = w.Write(s.Config.CA)
}

// portal stands for the web pages. Clients that lack /api in their URL end up
// here and are redirected between portal and sign-on endlessly, as by a real
// engine that waits for a session cookie.
func (s *Server) portal(w http.ResponseWriter, r *http.Request) {
	target := "/ovirt-engine/webadmin/"
	if strings.HasPrefix(r.URL.Path, "/ovirt-engine/webadmin") {
		target = "/ovirt-engine/sso/interactive-login"
	}
	http.Redirect(w, r, target, http.StatusFound)
}
