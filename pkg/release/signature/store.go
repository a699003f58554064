package signature

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/secret"
)

// DefaultStore has the signatures of OpenShift's CI system, which signs OKD's releases.
const DefaultStore = "https://storage.googleapis.com/openshift-ci-release/releases/signatures/openshift/release"

// maxSignatures is how many signatures of an image are tried.
const maxSignatures = 10

// Store has signatures at <URL>/sha256=<hex>/signature-<n>, n counted from 1.
type Store struct {
	URL  string // https only
	HTTP *http.Client
	// Timeout limits the whole check; default 30 s.
	Timeout time.Duration
}

// Error says why no good signature was found.
type Error struct {
	Digest, Store string
	// Unknown is set if the store could not be read: the image may be signed.
	Unknown bool
	Cause   error
}

func (e *Error) Error() string {
	if e.Unknown {
		return fmt.Sprintf("the signature of the release image %s cannot be checked: %s: %v", e.Digest, e.Store, e.Cause)
	}
	return fmt.Sprintf("the release image %s has no good signature in %s: %v", e.Digest, e.Store, e.Cause)
}

func (e *Error) Unwrap() error { return e.Cause }

// Next is what to do about it.
func (e *Error) Next() string {
	if e.Unknown {
		return "make the signature store reachable, or name a copy of it with --signature-store URL " +
			"(OKD_INSTALL_SIGNATURE_STORE); nothing was pinned"
	}
	return "do not install this image unless you know why: compare the digest with the release's announcement, " +
		"and check that the release key file belongs to the signer of the releases you want; " +
		"--release selects another release"
}

var digestText = regexp.MustCompile(`^sha256:[a-f0-9]{64}$`)

// Check looks for a signature of the image by a key of the keyring. All errors are of type *Error.
func (s Store) Check(ctx context.Context, keys Keyring, digest string, clk clock.Clock) (Signed, error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return Signed{}, &Error{Digest: digest, Store: "the store", Unknown: true, Cause: errors.New("invalid URL")}
	}
	fail := func(unknown bool, cause error) (Signed, error) {
		return Signed{}, &Error{Digest: digest, Store: u.Redacted(), Unknown: unknown, Cause: cause}
	}
	if u.Scheme != "https" || u.Host == "" {
		return fail(true, errors.New("use https://HOST/PATH"))
	}
	if !digestText.MatchString(digest) {
		return fail(false, errors.New("the digest is not a sha256 digest"))
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.Timeout, 30*time.Second))
	defer cancel()
	dir := u.JoinPath(strings.Replace(digest, ":", "=", 1))
	var causes error
	for n := 1; n <= maxSignatures; n++ {
		message, err := s.get(ctx, dir.JoinPath(fmt.Sprintf("signature-%d", n)))
		if err != nil {
			return fail(true, err)
		}
		if message == nil {
			break
		}
		signed, err := keys.Verify(message, digest, clk.Now()) // after it has come: it may be a second old
		if err == nil {
			return signed, nil
		}
		err = fmt.Errorf("signature-%d: %w", n, err)
		if causes != nil {
			err = fmt.Errorf("%w; %w", causes, err)
		}
		causes = err
	}
	if causes == nil {
		causes = errors.New("the store has none")
	}
	return fail(false, causes)
}

// get returns nil for a signature that the store does not have.
func (s Store) get(ctx context.Context, u *url.URL) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.HTTP.Do(req)
	if err != nil {
		return nil, plain(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, nil
	default:
		return nil, fmt.Errorf("it answers %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	message, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage+1))
	if err != nil {
		return nil, plain(ctx, err)
	}
	return message, nil
}

// plain drops the URL, which may contain a password, and names a timeout.
func plain(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errors.New("no answer in time")
	}
	return secret.WithoutURL(err)
}
