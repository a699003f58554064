package ovirt

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/wizard"
)

// errNoEngine says that there is no engine at an address.
var errNoEngine = errors.New("there is no oVirt engine")

// caPath is where an engine publishes the certificate of its authority.
const caPath = "/ovirt-engine/services/pki-resource?resource=ca-certificate&format=X509-PEM-CA"

const (
	// lookLimit bounds the request for the certificate.
	lookLimit = 15 * time.Second
	// maxCA is far above the size of any bundle of authorities (bytes).
	maxCA = 1 << 20
)

// trust returns the authority to verify the engine with, empty if the system
// vouches for it. Otherwise the person has to: nothing secret is sent before.
func (q *questions) trust(ctx context.Context, engine string) (string, error) {
	u, err := url.Parse(engine)
	if err != nil {
		return "", err
	}
	// There is no other first contact: what comes is shown to the person, who
	// compares it with what the engine's administrator says.
	published, chain, err := fetch(ctx, "https://"+u.Host+caPath)
	if err != nil {
		return "", fmt.Errorf("%w at %s: %w", errNoEngine, engine, err)
	}
	if verify(chain, nil, u.Hostname(), q.Clock.Now()) == nil {
		return "", nil // the system's authorities vouch for it
	}
	check := func(bundle []byte) error {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(bundle) {
			return errors.New("there is no PEM certificate in it")
		}
		return verify(chain, roots, u.Hostname(), q.Clock.Now())
	}
	if err := check(published); err != nil {
		event.Warn(q.Sink, "The authority that the engine publishes did not sign the engine's certificate: "+err.Error())
		return q.authorityFile(ctx, check)
	}
	for _, line := range fingerprints(published) {
		event.Info(q.Sink, line)
	}
	yes, err := q.Ask.Confirm(ctx, wizard.Question{Message: "Trust this certificate authority for the engine?",
		Help: "Compare the fingerprint with that on the engine's machine: openssl x509 -in /etc/pki/ovirt-engine/ca.pem " +
			"-noout -fingerprint -sha256"}, false)
	if err != nil || yes {
		return string(published), err
	}
	return q.authorityFile(ctx, check)
}

// authorityFile asks for a file with the right certificate.
func (q *questions) authorityFile(ctx context.Context, check func([]byte) error) (string, error) {
	var bundle []byte
	_, err := q.Ask.Input(ctx, wizard.Question{Message: "File with the engine's certificate authority",
		Help: "A PEM file, such as /etc/pki/ovirt-engine/ca.pem of the engine's machine."}, "",
		func(path string) (err error) {
			if bundle, err = os.ReadFile(strings.TrimSpace(path)); err != nil {
				return err
			}
			return check(bundle)
		})
	return string(bundle), err
}

// fetch gets a small file from whoever answers, and the certificates that were shown.
func fetch(ctx context.Context, where string) ([]byte, []*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		return nil, nil, err
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: cfg, DisableKeepAlives: true}
	client := http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // the URL is said already
		}
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("asked for the certificate authority it answered %s", resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxCA))
	return body, resp.TLS.PeerCertificates, err
}

// verify checks a server's certificates; roots may be nil for the system's.
func verify(chain []*x509.Certificate, roots *x509.CertPool, host string, now time.Time) error {
	if len(chain) == 0 {
		return errors.New("the engine showed no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: host, CurrentTime: now})
	return err
}

// fingerprints describes the certificates of a bundle.
func fingerprints(bundle []byte) []string {
	var out []string
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue
		}
		sum := sha256.Sum256(cert.Raw)
		out = append(out,
			fmt.Sprintf("Certificate authority %s, valid until %s",
				printable(cert.Subject.String()), cert.NotAfter.UTC().Format(time.DateOnly)),
			"SHA-256 fingerprint "+strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":"))
	}
	return out
}
