package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/kube"
)

// Command runs `machine-config-server bootstrap` or `start`.
func Command(ctx context.Context, args []string) error {
	if len(args) == 0 || (args[0] != "bootstrap" && args[0] != "start") {
		return errors.New("parse arguments: want machine-config-server bootstrap|start")
	}
	f := pflag.NewFlagSet("machine-config-server "+args[0], pflag.ContinueOnError)
	cert := f.String("cert", "/etc/ssl/mcs/tls.crt", "TLS certificate")
	key := f.String("key", "/etc/ssl/mcs/tls.key", "TLS key")
	secure := f.Int("secure-port", 22623, "port with TLS")
	plain := f.Int("insecure-port", 22624, "port without TLS")
	f.String("payload-version", "", "version of the release")
	var dir, kubeconfig, api, tokens *string
	if args[0] == "bootstrap" {
		dir = f.String("server-basedir", "/etc/mcs/bootstrap", "what machine-config-controller bootstrap wrote")
		kubeconfig = f.String("bootstrap-kubeconfig", "/etc/mcs/kubeconfig", "credentials for kubelets")
	} else {
		api = f.String("apiserver-url", "", "URL of the API for nodes; empty means the Infrastructure's internal one")
		tokens = f.String("bootstrap-token-dir", "/etc/mcs/bootstrap-token", "token and ca.crt of the node-bootstrapper account")
		kubeconfig = f.String("kubeconfig", "", "credentials of this server; empty means the pod's")
	}
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	var src Source
	if args[0] == "bootstrap" {
		src = Bootstrap{Dir: *dir, Kubeconfig: *kubeconfig}
	} else {
		client, err := kube.Dial(*kubeconfig)
		if err != nil {
			return err
		}
		src = Cluster{API: client, URL: *api, Tokens: *tokens}
	}
	pair, err := tls.LoadX509KeyPair(*cert, *key)
	if err != nil {
		return fmt.Errorf("load server certificate: %w", err)
	}
	handler := Handler(src, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	return Run(ctx, handler, pair, *secure, *plain)
}

// Run listens on both ports until ctx ends.
func Run(ctx context.Context, h http.Handler, pair tls.Certificate, secure, plain int) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, port := range []int{secure, plain} {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("", strconv.Itoa(port)))
		if err != nil {
			return fmt.Errorf("listen for machines: %w", err)
		}
		srv := &http.Server{
			Handler: h, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute,
			// Health checks that hang up during the handshake are no news.
			ErrorLog: log.New(io.Discard, "", 0),
		}
		if port == secure {
			srv.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
			l = tls.NewListener(l, srv.TLSConfig)
		}
		g.Go(func() error {
			if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
		g.Go(func() error {
			<-ctx.Done()
			return srv.Close()
		})
	}
	return g.Wait()
}
