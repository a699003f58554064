// Package fetch brings images onto a management controller.
package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// Image is what is to be fetched.
type Image struct{ URL, User, Password string }

// ErrFormat is the error for what is not an ISO image.
var ErrFormat = errors.New("it is not an ISO image")

const (
	maxImage = 16 << 30
	chunk    = 32 << 20 // that is asked for at once
	tries    = 3        // for each
)

// Dial connects to a server.
type Dial func(ctx context.Context, network, addr string) (net.Conn, error)

// Clients returns the clients of one controller: one that checks certificates, and one
// that does not.
func Clients(dial Dial, roots *x509.CertPool) func(verify bool) *http.Client {
	client := func(verify bool) *http.Client {
		return &http.Client{Transport: &http.Transport{
			DialContext: dial, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
			IdleConnTimeout: 10 * time.Second, DisableCompression: true,
			// Without the check is what most controllers do, and what the lab imitates.
			TLSClientConfig: &tls.Config{RootCAs: roots, InsecureSkipVerify: !verify, MinVersion: tls.VersionTLS12},
		}}
	}
	strict, lax := client(true), client(false)
	return func(verify bool) *http.Client {
		if verify {
			return strict
		}
		return lax
	}
}

// File fetches an image into a new file in dir: HEAD for its size, then range by range.
// With needsRanges it refuses servers that cannot do that; without, it takes the whole.
func File(ctx context.Context, client *http.Client, want Image, dir string, needsRanges bool) (file string, err error) {
	f, err := os.CreateTemp(dir, "bmc-*.iso")
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", want.URL, err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	get := fetching{client, want}
	size, ranges, err := get.size(ctx)
	switch {
	case err != nil:
	case !ranges && needsRanges:
		err = fmt.Errorf("fetch %s: the server does not support ranges", want.URL)
	case size > 0 && ranges:
		err = get.ranges(ctx, f, size)
	default:
		err = get.whole(ctx, f, size)
	}
	if err != nil {
		return "", err
	}
	ok, err := isDisc(f)
	if err == nil && !ok {
		err = fmt.Errorf("fetch %s: %w", want.URL, ErrFormat)
	}
	return f.Name(), err
}

// isDisc reports whether a file has the first descriptor of an ISO image.
func isDisc(f *os.File) (bool, error) {
	b := make([]byte, 6)
	n, err := f.ReadAt(b, 16*2048)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return string(b[:n]) == "\x01CD001", err
}

// fetching is one image on its way.
type fetching struct {
	client *http.Client
	want   Image
}

func (g fetching) do(ctx context.Context, method, ranges string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, g.want.URL, nil)
	if err != nil {
		return nil, err
	}
	if g.want.User != "" {
		req.SetBasicAuth(g.want.User, g.want.Password)
	}
	req.Header.Set("Accept-Encoding", "identity")
	if ranges != "" {
		req.Header.Set("Range", ranges)
	}
	return g.client.Do(req)
}

// size asks for the size of the image, and whether it can be had in ranges.
func (g fetching) size(ctx context.Context) (int64, bool, error) {
	resp, err := g.do(ctx, http.MethodHead, "")
	if err != nil {
		return 0, false, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode != http.StatusOK:
		return 0, false, fmt.Errorf("HEAD %s: the server answers %s", g.want.URL, resp.Status)
	case resp.ContentLength > maxImage:
		return 0, false, fmt.Errorf("HEAD %s: it has more than %d GiB", g.want.URL, maxImage>>30)
	}
	return resp.ContentLength, strings.EqualFold(resp.Header.Get("Accept-Ranges"), "bytes"), nil
}

// ranges fetches the image in parts; a part that breaks off is asked for again from
// where it did.
func (g fetching) ranges(ctx context.Context, f *os.File, size int64) error {
	for at, failed := int64(0), 0; at < size; {
		n, err := g.part(ctx, f, at, min(at+chunk, size)-1)
		at += n
		if n > 0 {
			failed = 0
		}
		if err == nil {
			continue
		}
		if failed++; failed >= tries || ctx.Err() != nil {
			return err
		}
	}
	return nil
}

func (g fetching) part(ctx context.Context, f *os.File, first, last int64) (int64, error) {
	resp, err := g.do(ctx, http.MethodGet, fmt.Sprintf("bytes=%d-%d", first, last))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusPartialContent {
		return 0, fmt.Errorf("GET bytes %d-%d of %s: the server answers %s", first, last, g.want.URL, resp.Status)
	}
	n, err := io.Copy(io.NewOffsetWriter(f, first), io.LimitReader(resp.Body, last-first+1))
	if err == nil && n < last-first+1 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		err = fmt.Errorf("GET bytes %d-%d of %s: %w", first, last, g.want.URL, err)
	}
	return n, err
}

// whole fetches the image at once; size is -1 if it is not known.
func (g fetching) whole(ctx context.Context, f *os.File, size int64) error {
	resp, err := g.do(ctx, http.MethodGet, "")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: the server answers %s", g.want.URL, resp.Status)
	}
	n, err := io.Copy(f, io.LimitReader(resp.Body, maxImage+1))
	switch {
	case err != nil:
		return fmt.Errorf("GET %s: %w", g.want.URL, err)
	case n > maxImage:
		return fmt.Errorf("GET %s: it has more than %d GiB", g.want.URL, maxImage>>30)
	case size >= 0 && n != size:
		return fmt.Errorf("GET %s: %d of %d bytes: %w", g.want.URL, n, size, io.ErrUnexpectedEOF)
	}
	return nil
}
