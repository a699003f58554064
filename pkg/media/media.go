// Package media serves one file to BMCs, which read it as a virtual CD: over HTTPS and HTTP, in ranges, under a path
// of its own for each reader.
package media

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/secret"
)

// Options are what a Server needs.
type Options struct {
	File  string
	Clock clock.Clock
	Log   *slog.Logger
	// Hide is told the tokens, which are in the paths; nil tells nobody.
	Hide func(...secret.String)
}

// Server serves a file at the addresses at which it was told to listen, until Close.
type Server struct {
	Options
	work sync.WaitGroup

	mu        sync.Mutex
	listening map[endpoint]*listener
	readers   map[string]*reader // by name
	closed    bool
}

// reader is who reads the file under one name.
type reader struct {
	token string
	seen  Seen
}

// Seen is what a reader has read.
type Seen struct {
	Requests int // with content in the answer
	Bytes    int64
	First    time.Time
	Last     time.Time
	From     netip.Addr // of the last
}

// Serve opens the file. It listens where URL says.
func Serve(o Options) (*Server, error) {
	f, err := os.Open(o.File)
	if err != nil {
		return nil, fmt.Errorf("serve media: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("serve media: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return nil, fmt.Errorf("serve media: %s is empty, or no file", o.File)
	}
	return &Server{Options: o, listening: map[endpoint]*listener{}, readers: map[string]*reader{}}, nil
}

// prefix of all paths. The token and the name follow.
const prefix = "/media/"

// URL is where the file can be read under a name, from an address of this machine. The server begins to listen there
// if it does not yet; port 0 is any port, and the same one for all names. Scheme is http or https.
func (s *Server) URL(scheme string, at netip.AddrPort, name string) (string, error) {
	if name == "" || strings.ContainsAny(name, "/?#%\\") {
		return "", fmt.Errorf("serve media: %q is no name of a file", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "", errors.New("serve media: the server has been closed")
	}
	on, err := s.listen(endpoint{scheme, at})
	if err != nil {
		return "", err
	}
	r := s.readers[name]
	if r == nil {
		r = &reader{token: rand.Text()}
		s.readers[name] = r
		if s.Hide != nil {
			s.Hide(secret.New(r.token))
		}
	}
	return scheme + "://" + on.String() + prefix + r.token + "/" + name, nil
}

// Seen is what has been read under a name so far.
func (s *Server) Seen(name string) Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.readers[name]; r != nil {
		return r.seen
	}
	return Seen{}
}

// count adds what one answer has read.
func (s *Server) count(r *reader, from string, bytes int64, request bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Clock.Now()
	if request {
		r.seen.Requests++
	}
	if r.seen.First.IsZero() {
		r.seen.First = now
	}
	r.seen.Bytes, r.seen.Last = r.seen.Bytes+bytes, now
	if at, err := netip.ParseAddrPort(from); err == nil {
		r.seen.From = at.Addr().Unmap()
	}
}

// find is the reader whose path it is, nil if nobody's. How long it takes says nothing of the token.
func (s *Server) find(path string) *reader {
	token, name, _ := strings.Cut(strings.TrimPrefix(path, prefix), "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.readers[name]
	if r == nil || subtle.ConstantTimeCompare([]byte(token), []byte(r.token)) == 0 {
		return nil
	}
	return r
}

// ServeHTTP serves the file to those who have a path.
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	var r *reader
	if strings.HasPrefix(req.URL.Path, prefix) {
		r = s.find(req.URL.Path)
	}
	if r == nil {
		http.NotFound(w, req)
		return
	}
	f, err := os.Open(s.File)
	if err != nil {
		s.Log.Error("the medium cannot be read", "err", err)
		http.Error(w, "the medium cannot be read", http.StatusInternalServerError)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		http.Error(w, "the medium cannot be read", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(&counting{ResponseWriter: w, server: s, reader: r, request: req}, req, "", info.ModTime(), f)
}

// counting counts what is read, and ends answers that nobody takes.
type counting struct {
	http.ResponseWriter
	server  *Server
	reader  *reader
	request *http.Request
	begun   bool
}

// stall is how long a reader may take for one piece of an answer.
const stall = 2 * time.Minute

// Write implements io.Writer.
func (c *counting) Write(b []byte) (int, error) {
	_ = http.NewResponseController(c.ResponseWriter).SetWriteDeadline(time.Now().Add(stall)) // not all can
	n, err := c.ResponseWriter.Write(b)
	if n > 0 {
		c.server.count(c.reader, c.request.RemoteAddr, int64(n), !c.begun)
		c.begun = true
	}
	return n, err
}

// Close ends all answers and stops listening.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	var errs []error
	for _, l := range s.listening {
		errs = append(errs, l.http.Close())
	}
	s.mu.Unlock()
	s.work.Wait()
	return errors.Join(errs...)
}

// Address is the address of this machine from which a BMC is reached, and at which it reaches this machine.
func Address(ctx context.Context, bmc string) (netip.Addr, error) {
	host, port, err := net.SplitHostPort(bmc)
	if err != nil {
		host, port = strings.Trim(bmc, "[]"), "443"
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "udp", net.JoinHostPort(host, port)) // sends nothing
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find the address at which %s reaches this machine: %w", bmc, err)
	}
	defer c.Close()
	local, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find the address at which %s reaches this machine: %w", bmc, err)
	}
	return local.Addr().Unmap(), nil
}
