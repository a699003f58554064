package etcd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	neturl "net/url"
	"slices"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// dialTimeout bounds each question: a machine that is off does not answer at all.
const dialTimeout = 2 * time.Second

// dialer keeps its clients: a health check must not cost a TLS handshake.
type dialer struct {
	tls *tls.Config

	mu      sync.Mutex
	clients map[string]*clientv3.Client
}

func newDialer(ca, cert, key []byte) (*dialer, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("read etcd CA bundle: no certificate in it")
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("read etcd client certificate: %w", err)
	}
	return &dialer{
		tls:     &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
		clients: map[string]*clientv3.Client{},
	}, nil
}

func (d *dialer) client(endpoint string) (*clientv3.Client, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c, ok := d.clients[endpoint]; ok {
		return c, nil
	}
	c, err := clientv3.New(clientv3.Config{
		Endpoints:            []string{endpoint},
		TLS:                  d.tls,
		DialTimeout:          2 * time.Second,
		DialKeepAliveTime:    10 * time.Second,
		DialKeepAliveTimeout: 5 * time.Second,
		Logger:               zap.NewNop(),
	})
	if err != nil {
		return nil, fmt.Errorf("make etcd client for %s: %w", endpoint, err)
	}
	d.clients[endpoint] = c
	return c, nil
}

// keep closes the clients of all other endpoints.
func (d *dialer) keep(endpoints []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for e, c := range d.clients {
		if !slices.Contains(endpoints, e) {
			_ = c.Close() // nothing is in flight, and nothing to be told about
			delete(d.clients, e)
		}
	}
}

func (d *dialer) close() { d.keep(nil) }

// members asks the endpoints in turn; the first answer counts. A member list is
// linearizable, so a partitioned member gives none.
func (d *dialer) members(ctx context.Context, endpoints []string) ([]member, error) {
	var errs []error
	for _, e := range endpoints {
		c, err := d.client(e)
		if err != nil {
			return nil, err
		}
		short, cancel := context.WithTimeout(ctx, dialTimeout)
		resp, err := c.MemberList(short)
		cancel()
		if err != nil {
			errs = append(errs, fmt.Errorf("list members through %s: %w", e, err))
			continue
		}
		var out []member
		for _, m := range resp.Members {
			out = append(out, member{
				ID: m.ID, Name: m.Name, IP: hostOf(m.PeerURLs), Learner: m.IsLearner,
			})
		}
		return out, nil
	}
	if len(errs) == 0 {
		return nil, errors.New("list members: no endpoint known")
	}
	return nil, errors.Join(errs...)
}

// probe fills in who is alive and healthy, and finds the leader; all at once, as one
// that is off answers only by the timeout.
func (d *dialer) probe(ctx context.Context, members []member) (leader uint64) {
	leaders := make([]uint64, len(members))
	var wg sync.WaitGroup
	for i := range members {
		wg.Go(func() {
			m := &members[i]
			if m.Alive = peerAnswers(ctx, m.IP); m.Alive && !m.Learner {
				leaders[i], m.Healthy = d.health(ctx, ClientURL(m.IP))
			}
		})
	}
	wg.Wait()
	for _, l := range leaders {
		if l != 0 {
			leader = l
		}
	}
	return leader
}

// peerAnswers reports whether something listens at a member's peer port. etcd opens
// the client port only when it has published its name, which takes up to 8 s: the
// first try is often lost in the snapshot that a new member gets. Whether a learner
// has caught up is for the leader to say.
func peerAnswers(ctx context.Context, ip string) bool {
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(ip, peerPort))
	if err != nil {
		return false
	}
	_ = conn.Close() // only its success mattered
	return true
}

func (d *dialer) health(ctx context.Context, endpoint string) (leader uint64, ok bool) {
	c, err := d.client(endpoint)
	if err != nil {
		return 0, false
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	resp, err := c.Status(ctx, endpoint)
	if err != nil {
		return 0, false
	}
	return resp.Leader, resp.Leader != 0 && len(resp.Errors) == 0
}

func hostOf(urls []string) string {
	for _, s := range urls {
		if u, err := neturl.Parse(s); err == nil && u.Hostname() != "" {
			return u.Hostname()
		}
	}
	return ""
}
