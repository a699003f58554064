package metal

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/stmcginnis/gofish"
	"github.com/stmcginnis/gofish/redfish"
)

const (
	perRequest = 15 * time.Second
	maxAnswer  = 1 << 20
)

// login is what a controller wants to know.
type login struct{ username, password string }

// errRefused: the controller does not accept the login.
var errRefused = errors.New("the BMC refuses the login")

// asker asks controllers whether their hosts are on.
type asker func(ctx context.Context, at endpoint, l login, insecure bool, authorities []byte) (on bool, err error)

// ask asks by Redfish.
func ask(ctx context.Context, at endpoint, l login, insecure bool, authorities []byte) (bool, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecure}
	if len(authorities) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(authorities) {
			return false, errors.New("the BMCs' authorities in ConfigMap bmc-verify-ca are no certificates")
		}
		conf.RootCAs = pool
	}
	answers := &seen{RoundTripper: &http.Transport{
		TLSClientConfig: conf, DisableKeepAlives: true, DisableCompression: true,
	}}
	client := &http.Client{
		Timeout: perRequest, Transport: answers,
		// The login goes to nobody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	// With a session of its own it could take the last one that the BMC has.
	c, err := gofish.ConnectContext(ctx, gofish.ClientConfig{
		Endpoint: at.url, Username: l.username, Password: l.password, BasicAuth: true, HTTPClient: client,
	})
	if err != nil {
		return false, answers.cause(err)
	}
	defer c.Logout()
	system, err := systemOf(c, at.system)
	if err != nil {
		return false, answers.cause(err)
	}
	switch system.PowerState {
	case redfish.OnPowerState, redfish.PoweringOffPowerState:
		return true, nil
	case redfish.OffPowerState, redfish.PoweringOnPowerState:
		return false, nil
	}
	return false, fmt.Errorf("the BMC says that the host is neither on nor off, but %q", system.PowerState)
}

func systemOf(c *gofish.APIClient, path string) (*redfish.ComputerSystem, error) {
	if path != "" {
		return redfish.GetComputerSystem(c, "/"+path)
	}
	systems, err := c.Service.Systems()
	if err != nil {
		return nil, err
	}
	if len(systems) != 1 {
		return nil, fmt.Errorf("the BMC has %d systems, and its address names none", len(systems))
	}
	return systems[0], nil
}

// seen limits what is read of answers, and keeps the last one's status: gofish hides it in the text of
// its errors.
type seen struct {
	http.RoundTripper
	status int
}

func (s *seen) RoundTrip(r *http.Request) (*http.Response, error) {
	s.status = 0
	res, err := s.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	s.status = res.StatusCode
	body := res.Body
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(body, maxAnswer), body}
	return res, nil
}

// cause is an error in a few words.
func (s *seen) cause(err error) error {
	switch {
	case s.status == http.StatusUnauthorized || s.status == http.StatusForbidden:
		return errRefused
	case s.status >= http.StatusBadRequest:
		return fmt.Errorf("the BMC answers %d %s", s.status, strings.ToLower(http.StatusText(s.status)))
	}
	return err
}
