// Package client makes requests to the service of the rendezvous host: for the hosts, and
// for those who watch the installation.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/secret"
)

const (
	// perRequest limits one request, but not the transfer of logs.
	perRequest = 10 * time.Second
	perLogs    = 2 * time.Minute
	maxAnswer  = 8 << 20
	maxLogs    = 1 << 30
)

// ErrRefused is the answer to a token that is wrong or has expired.
var ErrRefused = errors.New("the service does not accept the token: the image of this host and that of the " +
	"rendezvous host are not the same, or the image has expired")

// Config says where the service is and how it is recognized.
type Config struct {
	Address netip.AddrPort
	CA      string // in PEM
	Token   secret.String
	// Certified is the address that the certificate has, if it is not that of the service.
	Certified netip.Addr
}

// OfHost is the config of a host.
func OfHost(c *agent.Config) Config {
	return Config{Address: netip.AddrPortFrom(c.Rendezvous, agent.Port), CA: c.CA, Token: c.AgentToken}
}

// OfWatcher is the config of somebody who watches.
func OfWatcher(c *agent.Config) Config {
	return Config{Address: netip.AddrPortFrom(c.Rendezvous, agent.Port), CA: c.CA, Token: c.WatcherToken}
}

// Client makes requests.
type Client struct {
	base  string
	token secret.String
	http  *http.Client
}

// New prepares requests; nothing is sent yet.
func New(c Config) (*Client, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(c.CA)) {
		return nil, errors.New("the CA of the rendezvous host's service is not a certificate")
	}
	certified := c.Address.Addr()
	if c.Certified.IsValid() {
		certified = c.Certified
	}
	dialer := &net.Dialer{Timeout: 3 * time.Second, KeepAlive: 5 * time.Second}
	return &Client{
		base: "https://" + c.Address.String(), token: c.Token,
		http: &http.Client{
			// No proxy: the rendezvous host is in the machines' network.
			Transport: &http.Transport{
				DialContext: dialer.DialContext, MaxIdleConns: 1, IdleConnTimeout: 30 * time.Second,
				TLSHandshakeTimeout: perRequest,
				TLSClientConfig: &tls.Config{
					RootCAs: pool, MinVersion: tls.VersionTLS13, ServerName: certified.String(),
				},
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Report says how the host is and returns what it is to do.
func (c *Client) Report(ctx context.Context, r agent.Report) (agent.Order, error) {
	var o agent.Order
	raw, err := json.Marshal(r)
	if err != nil {
		return o, err
	}
	ctx, cancel := context.WithTimeout(ctx, perRequest)
	defer cancel()
	err = c.do(ctx, http.MethodPost, "/v1/hosts/"+url.PathEscape(r.Inventory.ID), raw, read(&o))
	return o, err
}

// SendLogs sends the logs of a host, a gzipped tar archive.
func (c *Client) SendLogs(ctx context.Context, id string, archive []byte) error {
	ctx, cancel := context.WithTimeout(ctx, perLogs)
	defer cancel()
	return c.do(ctx, http.MethodPut, "/v1/hosts/"+url.PathEscape(id)+"/logs", archive, nil)
}

// Status asks what the service knows.
func (c *Client) Status(ctx context.Context) (agent.Status, error) {
	var s agent.Status
	ctx, cancel := context.WithTimeout(ctx, perRequest)
	defer cancel()
	err := c.do(ctx, http.MethodGet, "/v1/status", nil, read(&s))
	return s, err
}

// LeaveOut makes the installation go on without workers.
func (c *Client) LeaveOut(ctx context.Context, hosts []string) error {
	raw, err := json.Marshal(agent.LeaveOut{Hosts: hosts})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, perRequest)
	defer cancel()
	return c.do(ctx, http.MethodPost, "/v1/leave-out", raw, nil)
}

// Logs writes the archive of all logs to w.
func (c *Client) Logs(ctx context.Context, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, perLogs)
	defer cancel()
	return c.do(ctx, http.MethodGet, "/v1/logs", nil, func(body io.Reader) error {
		_, err := io.Copy(w, io.LimitReader(body, maxLogs))
		return err
	})
}

// read decodes an answer.
func read(into any) func(io.Reader) error {
	return func(body io.Reader) error {
		raw, err := io.ReadAll(io.LimitReader(body, maxAnswer))
		if err != nil {
			return err
		}
		return json.Unmarshal(raw, into)
	}
}

func (c *Client) do(ctx context.Context, method, path string, body []byte, take func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	resp, err := c.http.Do(req)
	if err != nil {
		c.http.CloseIdleConnections()
		return fmt.Errorf("rendezvous host at %s: %w", strings.TrimPrefix(c.base, "https://"), cause{err})
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		err = ErrRefused
	case resp.StatusCode >= http.StatusMultipleChoices:
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 600))
		err = errors.New(strconv.Itoa(resp.StatusCode) + " " + strings.TrimSpace(string(text)))
	case take != nil:
		err = take(resp.Body)
	}
	if err != nil {
		return fmt.Errorf("rendezvous host: %s %s: %w", method, path, err)
	}
	return nil
}

// cause says what an error of the connection means.
type cause struct{ error }

func (c cause) Unwrap() error { return c.error }

func (c cause) Error() string {
	var (
		invalid   x509.CertificateInvalidError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		network   net.Error
	)
	switch err := c.error; {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return fmt.Sprintf("its certificate is valid from %s to %s, but the clock of this host says otherwise: "+
			"set the clock in the firmware setup, or make a new image",
			invalid.Cert.NotBefore.UTC().Format(time.RFC3339), invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
	case errors.As(err, &authority), errors.As(err, &hostname):
		return "it runs another image than this host: boot all hosts from the same one"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused: the host is up, but its service is not"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to it: it is off, or one of the addresses is wrong"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "no answer: it is off, or a firewall blocks the connection"
	default:
		return secret.WithoutURL(err).Error()
	}
}
