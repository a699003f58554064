package osimage

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/ulikunitz/xz"

	"github.com/okd-install/okd-install/pkg/secret"
)

// Client makes an HTTP client that trusts the system's certificates and those in trust (PEM, may be empty).
func Client(trust []byte, proxy func(*http.Request) (*url.URL, error)) (*http.Client, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if len(trust) > 0 && !pool.AppendCertsFromPEM(trust) {
		return nil, errors.New("read additional trust bundle: no PEM certificate in it")
	}
	return &http.Client{Transport: &http.Transport{
		Proxy:                 proxy,
		TLSClientConfig:       &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		DialContext:           (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		DisableCompression:    true,
		ForceAttemptHTTP2:     true,
	}}, nil
}

// download fetches the artifact into path, unpacked, and returns what it wrote.
func (c Cache) download(ctx context.Context, a Artifact, path string) (record, error) {
	packed := compression(a)
	inner, outer := sha256.New(), sha256.New()
	src := &source{c: c, ctx: ctx, a: a, total: -1}
	defer src.Close()

	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if packed == "" {
		// Continue what an earlier run that was killed has written.
		n, err := hashFile(path, inner)
		if err != nil {
			return record{}, err
		}
		src.at = n
		flags = os.O_CREATE | os.O_WRONLY | os.O_APPEND
	}
	out, err := os.OpenFile(path, flags, 0o644)
	if err != nil {
		return record{}, err
	}
	defer out.Close()
	src.onRestart = func() error { // the server sends the file from its beginning
		inner.Reset()
		return out.Truncate(0)
	}

	in := io.Reader(src)
	if packed != "" {
		src.onRestart = func() error {
			return errors.New("the server cannot resume an interrupted download; run the same command again")
		}
		in = io.TeeReader(src, outer)
	}
	if err := unpack(io.MultiWriter(out, inner), in, packed); err != nil {
		return record{}, err
	}
	if packed == "" {
		outer = inner
	}
	if got := hexSum(outer); a.SHA256 != "" && got != a.SHA256 {
		return record{}, c.reject(path, "checksum of the download", got, a.SHA256)
	}
	if got := hexSum(inner); a.UncompressedSHA256 != "" && got != a.UncompressedSHA256 {
		return record{}, c.reject(path, "checksum of the unpacked image", got, a.UncompressedSHA256)
	}
	if err := out.Sync(); err != nil {
		return record{}, err
	}
	st, err := out.Stat()
	if err != nil {
		return record{}, err
	}
	return record{SHA256: hexSum(inner), Size: st.Size(), Origin: src.origin}, out.Close()
}

func (c Cache) reject(path, what, got, want string) error {
	return errors.Join(fmt.Errorf("%s is %s, expected %s; the file was deleted", what, got, want), os.Remove(path))
}

// unpack copies in to out and reads in to its end, so that its checksum covers all of it.
func unpack(out io.Writer, in io.Reader, packed string) error {
	buffered := bufio.NewReaderSize(in, 1<<20)
	var r io.Reader = buffered
	var err error
	switch packed {
	case "gz":
		r, err = gzip.NewReader(buffered)
	case "xz":
		r, err = xz.NewReader(buffered)
	}
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	if _, err := io.CopyBuffer(out, r, make([]byte, 1<<20)); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, buffered)
	return err
}

// source reads a URL from an offset on and resumes where a connection broke.
type source struct {
	c         Cache
	ctx       context.Context
	a         Artifact
	origin    origin // of what is being read
	at, total int64
	body      io.ReadCloser
	cancel    context.CancelCauseFunc
	timer     *time.Timer
	failures  int
	onRestart func() error // called before a file is read again from its beginning
}

func (s *source) Close() error {
	if s.body == nil {
		return nil
	}
	s.timer.Stop()
	s.cancel(nil)
	err := s.body.Close()
	s.body = nil
	return err
}

func (s *source) Read(p []byte) (int, error) {
	for {
		if s.body == nil {
			if err := s.open(); err != nil {
				var stop *permanentError
				if errors.As(err, &stop) || errors.Is(err, io.EOF) || s.ctx.Err() != nil {
					return 0, err
				}
				if err := s.failed(err); err != nil {
					return 0, err
				}
				continue
			}
		}
		n, err := s.body.Read(p)
		switch {
		case n > 0:
			s.timer.Reset(s.c.Stall)
			s.failures = 0
			s.at += int64(n)
			s.c.Progress(s.at, s.total)
			return n, nil
		case err == nil:
			continue
		case err == io.EOF && (s.total < 0 || s.at >= s.total):
			return 0, io.EOF
		case err == io.EOF:
			err = io.ErrUnexpectedEOF
		}
		s.Close()
		if err := s.failed(err); err != nil {
			return 0, err
		}
	}
}

func (s *source) failed(err error) error {
	s.failures++
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	if s.failures >= s.c.Tries {
		return fmt.Errorf("gave up after %d tries: %w", s.failures, err)
	}
	s.c.Log.Debug("download interrupted, resuming", "url", s.a.Where(), "at", s.at, "err", err)
	return s.c.Clock.Sleep(s.ctx, min(time.Duration(s.failures)*time.Second, 10*time.Second))
}

// permanentError is an error that another attempt would not change.
type permanentError struct{ text string }

func (e *permanentError) Error() string { return e.text }

func (s *source) open() error {
	if path, ok := strings.CutPrefix(s.a.URL, "file://"); ok {
		return s.openFile(path)
	}
	ctx, cancel := context.WithCancelCause(s.ctx)
	timer := time.AfterFunc(s.c.Stall, func() { cancel(fmt.Errorf("nothing arrived for %s", s.c.Stall)) })
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.a.URL, nil)
	if err != nil {
		cancel(nil)
		return &permanentError{secret.WithoutURL(err).Error()}
	}
	s.setRange(req.Header)
	resp, err := s.c.HTTP.Do(req) //nolint:bodyclose // Close does
	if err != nil {
		timer.Stop()
		err = secret.WithoutURL(err)
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		cancel(nil)
		if untrusted(err) {
			return &permanentError{err.Error() + "; if the server has a private CA, add it to additionalTrustBundle"}
		}
		return err
	}
	s.body, s.timer, s.cancel = resp.Body, timer, cancel
	// A redirection must not lead from https to plain http, unless the file has a checksum. Get has checked http itself.
	if !strings.HasPrefix(s.a.URL, "http://") {
		err = s.a.checkTrustAt(resp.Request.URL, s.c.Unverified)
	}
	if err != nil {
		err = &permanentError{err.Error()}
	} else {
		err = s.accept(resp)
	}
	if err != nil {
		s.Close()
	}
	return err
}

// setRange asks for the rest of a file; without a checksum only if the server can tell whether the file has changed.
func (s *source) setRange(h http.Header) {
	if s.at == 0 {
		return
	}
	ifRange := s.origin.ifRange()
	if ifRange == "" && !s.a.hasChecksum() {
		return
	}
	h.Set("Range", "bytes="+strconv.FormatInt(s.at, 10)+"-")
	if ifRange != "" {
		h.Set("If-Range", ifRange)
	}
}

func (s *source) accept(resp *http.Response) error {
	switch {
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && s.at > 0:
		return io.EOF // the file may be complete already; its checksum decides
	case resp.StatusCode == http.StatusPartialContent && s.at > 0:
		if resp.ContentLength >= 0 {
			s.total = s.at + resp.ContentLength
		}
	case resp.StatusCode == http.StatusOK:
		if s.at > 0 {
			if err := s.onRestart(); err != nil {
				return &permanentError{err.Error()}
			}
			s.at = 0
		}
		s.total, s.origin = resp.ContentLength, originOf(resp)
	case resp.StatusCode >= 500, resp.StatusCode == http.StatusTooManyRequests:
		return errors.New("HTTP status " + resp.Status)
	default:
		return &permanentError{"HTTP status " + resp.Status}
	}
	return nil
}

func (s *source) openFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return &permanentError{err.Error()}
	}
	if st, err := f.Stat(); err == nil {
		s.total, s.origin = st.Size(), originOfFile(st)
	}
	if _, err := f.Seek(s.at, io.SeekStart); err != nil {
		f.Close()
		return &permanentError{err.Error()}
	}
	s.body, s.timer, s.cancel = f, time.NewTimer(s.c.Stall), func(error) {}
	return nil
}

func untrusted(err error) bool {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var verify *tls.CertificateVerificationError
	return errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &verify)
}
