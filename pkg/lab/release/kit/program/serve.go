package program

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// Serve runs servers until ctx ends; one with a TLS configuration speaks TLS.
func Serve(ctx context.Context, servers ...*http.Server) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range servers {
		s.ReadHeaderTimeout = 10 * time.Second
		g.Go(func() error {
			listen := s.ListenAndServe
			if s.TLSConfig != nil {
				listen = func() error { return s.ListenAndServeTLS("", "") }
			}
			if err := listen(); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve %s: %w", s.Addr, err)
			}
			return nil
		})
		g.Go(func() error {
			<-ctx.Done()
			return s.Close()
		})
	}
	return g.Wait()
}
