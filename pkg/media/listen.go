package media

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/net/netutil"

	"github.com/okd-install/okd-install/pkg/pki"
)

// endpoint is where it is asked to listen.
type endpoint struct {
	scheme string
	at     netip.AddrPort
}

// listener is where it does.
type listener struct {
	http *http.Server
	at   netip.AddrPort
}

// Limits of connections. BMCs read in small pieces, and many at the same time.
const (
	maxConnections = 4096
	headerLimit    = 20 * time.Second
	idleLimit      = 5 * time.Minute
	maxHeader      = 16 << 10
	// certificateLife is longer than any installation; an hour before now is for the wrong clocks of BMCs.
	certificateLife = 7 * pki.Day
	clockSkew       = time.Hour
)

// listen listens at one address. The caller holds mu.
func (s *Server) listen(e endpoint) (netip.AddrPort, error) {
	if on := s.listening[e]; on != nil {
		return on.at, nil
	}
	if e.scheme != "http" && e.scheme != "https" {
		return netip.AddrPort{}, fmt.Errorf("serve media: unknown scheme %q; use http or https", e.scheme)
	}
	if !e.at.Addr().IsValid() || e.at.Addr().IsUnspecified() {
		return netip.AddrPort{}, errors.New("serve media: it needs an address of this machine")
	}
	trust, err := s.certificate(e)
	if err != nil {
		return netip.AddrPort{}, err
	}
	raw, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", e.at.String()) // it listens until Close
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("serve media at %s: %w", e.at, err)
	}
	at, err := netip.ParseAddrPort(raw.Addr().String())
	if err != nil {
		return netip.AddrPort{}, errors.Join(fmt.Errorf("serve media at %s: %w", e.at, err), raw.Close())
	}
	limited := netutil.LimitListener(raw, maxConnections)
	if trust != nil {
		limited = tls.NewListener(limited, trust)
	}
	h := &http.Server{
		Handler: s, ReadHeaderTimeout: headerLimit, IdleTimeout: idleLimit, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	s.listening[e] = &listener{http: h, at: at}
	s.work.Go(func() {
		if err := h.Serve(limited); !errors.Is(err, http.ErrServerClosed) {
			s.Log.Error("media are served no more", "address", at.String(), "err", err)
		}
	})
	return at, nil
}

// certificate makes a certificate for one address, which BMCs cannot check: they take the connection or not.
func (s *Server) certificate(e endpoint) (*tls.Config, error) {
	if e.scheme != "https" {
		return nil, nil
	}
	pair, err := pki.NewSelfSigned(s.Clock.Now().Add(-clockSkew), pki.Leaf{
		Name: pki.Name{Common: "okd-install media"}, Life: certificateLife, Usage: pki.Server,
		IPs: []netip.Addr{e.at.Addr().WithZone("")},
	})
	if err != nil {
		return nil, fmt.Errorf("serve media: %w", err)
	}
	key, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		return nil, fmt.Errorf("serve media: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{key}, MinVersion: tls.VersionTLS12}, nil
}
