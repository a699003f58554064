package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/site"
	"github.com/okd-install/okd-install/pkg/pki"
)

// service is one HTTPS server of the lab.
type service struct {
	name, addr string
	handler    http.Handler
}

func (d *Daemon) services() []service {
	at := func(addr fmt.Stringer, port int) string { return fmt.Sprintf("%s:%d", addr, port) }
	list := []service{
		{"registry", at(network.Registry, network.RegistryPort), d.registry},
		{"mirror", at(network.Registry, network.MirrorPort), d.registry.next},
		{"images, updates and the outside", at(network.Registry, 443), byName{
			network.UpdatesName: d.updates, network.ImagesName: d.images,
			network.PublicCatalogs: d.outside[network.PublicCatalogs], network.Quay: d.outside[network.Quay],
			network.LoginCatalogs: d.outside[network.LoginCatalogs],
		}},
		{"engine", at(network.Engine, 443), d.engine.Handler()},
		{"imageio proxy", at(network.Engine, network.ProxyPort), d.engine.ImageHandler()},
	}
	for _, host := range network.Hosts {
		list = append(list, service{"imageio", at(host, network.ImageioPort), d.engine.ImageHandler()})
	}
	return list
}

// listen opens all sockets before it serves any, so that an address that is
// taken is an error at once.
func (d *Daemon) listen(ctx context.Context, group *errgroup.Group) error {
	cert, err := os.ReadFile(d.cfg.Site.File(site.CAFile))
	if err != nil {
		return fmt.Errorf("read CA: %w", err)
	}
	key, err := os.ReadFile(d.cfg.Site.File(CAKeyFile))
	if err != nil {
		return fmt.Errorf("read CA: %w", err)
	}
	names, addresses := network.Services()
	secure, err := certs.ServerConfig(pki.Pair{Cert: cert, Key: key}, d.cfg.Clock.Now(), names, addresses)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	for _, s := range d.services() {
		l, err := lc.Listen(ctx, "tcp", s.addr)
		if err != nil {
			return fmt.Errorf("serve %s: %w", s.name, err)
		}
		d.serve(ctx, group, s.name, tls.NewListener(l, secure), s.handler)
	}
	socket := d.cfg.Site.File(site.SocketFile)
	if err := os.RemoveAll(socket); err != nil {
		return fmt.Errorf("serve control socket: %w", err)
	}
	l, err := lc.Listen(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("serve control socket: %w", err)
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return fmt.Errorf("serve control socket: %w", err)
	}
	d.serve(ctx, group, "control", l, d.control())
	return nil
}

func (d *Daemon) serve(ctx context.Context, group *errgroup.Group, name string, l net.Listener, h http.Handler) {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          slog.NewLogLogger(d.cfg.Log.With("service", name).Handler(), slog.LevelDebug),
		// HTTP/1.1 only: blobs and disks move faster and cheaper with it.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	group.Go(func() error {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve %s: %w", name, err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		return s.Close()
	})
}

// gate cuts a service off: connections are closed without an answer.
type gate struct {
	next http.Handler
	shut atomic.Bool
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.shut.Load() {
		panic(http.ErrAbortHandler) // closes the connection
	}
	g.next.ServeHTTP(w, r)
}

// byName serves several names at one address. A request to the address itself
// gets the images.
type byName map[string]http.Handler

func (b byName) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	h, ok := b[host]
	if !ok {
		h = b[network.ImagesName]
	}
	h.ServeHTTP(w, r)
}
