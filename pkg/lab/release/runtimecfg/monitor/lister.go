// Package monitor keeps the configuration of a node's address, balancer and
// DNS services true to the cluster.
package monitor

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg/node"
)

// Lister remembers the cluster's nodes and asks for them anew now and then.
type Lister struct {
	Kubeconfig string
	// Addresses are tried in order instead of the kubeconfig's host, whose
	// certificate is still expected: a master asks itself first, so that a
	// cluster that starts with no VIP holder can find one. Empty means the
	// kubeconfig's host.
	Addresses []string
	Every     time.Duration // while Enough hosts are known
	Eager     time.Duration // before that
	Enough    int
	Clock     clock.Clock
	Log       *slog.Logger

	hosts   []node.Host
	clients []*kube.Client
	next    time.Time
	failed  string
}

// Hosts are the nodes as last seen. While the API cannot be asked the last
// answer stands: that is when the addresses matter most.
func (l *Lister) Hosts(ctx context.Context) []node.Host {
	now := l.Clock.Now()
	if now.Before(l.next) {
		return l.hosts
	}
	for _, c := range l.dial() {
		hosts, err := node.ListHosts(ctx, c)
		if err != nil {
			l.note(err)
			continue
		}
		l.note(nil)
		// An empty answer comes from a cache that is not filled yet.
		if len(hosts) > 0 {
			l.hosts = hosts
		}
		break
	}
	l.next = now.Add(l.Every)
	if len(l.hosts) < l.Enough {
		l.next = now.Add(l.Eager)
	}
	return l.hosts
}

// Clients are those that the lister uses, for further questions.
func (l *Lister) Clients() []*kube.Client { return l.clients }

// dial makes the clients once the kubeconfig exists; on a new node the kubelet
// writes it after its first certificate request was approved.
func (l *Lister) dial() []*kube.Client {
	if l.clients != nil {
		return l.clients
	}
	if _, err := os.Stat(l.Kubeconfig); err != nil {
		return nil
	}
	if len(l.Addresses) == 0 {
		c, err := kube.Dial(l.Kubeconfig)
		if err != nil {
			l.note(err)
			return nil
		}
		l.clients = []*kube.Client{c}
		return l.clients
	}
	var clients []*kube.Client
	for _, a := range l.Addresses {
		c, err := kube.DialVia(l.Kubeconfig, a)
		if err != nil {
			l.note(err)
			return nil
		}
		clients = append(clients, c)
	}
	l.clients = clients
	return clients
}

// note logs a failure once, and its end.
func (l *Lister) note(err error) {
	switch {
	case err == nil && l.failed != "":
		l.Log.Info("nodes listed again")
		l.failed = ""
	case err != nil && l.failed != err.Error():
		l.Log.Warn("nodes not listed", "error", err)
		l.failed = err.Error()
	}
}
