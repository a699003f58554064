package runtimecfg

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

// Lister remembers the cluster's nodes and asks for them anew now and then.
type Lister struct {
	Kubeconfig string
	// Addresses are tried in order instead of the kubeconfig's host (empty), whose
	// certificate is still expected: a master asks itself first, so that a cluster that
	// starts with no VIP holder can find one.
	Addresses []string
	Every     time.Duration // while Enough hosts are known
	Eager     time.Duration // before that
	Enough    int
	Clock     clock.Clock
	News      program.News

	hosts   []Host
	clients []*kube.Client
	next    time.Time
}

// Hosts are the nodes as last seen: the addresses matter most without an API.
func (l *Lister) Hosts(ctx context.Context) []Host {
	now := l.Clock.Now()
	if now.Before(l.next) {
		return l.hosts
	}
	for _, c := range l.dial() {
		hosts, err := listHosts(ctx, c)
		if err != nil {
			l.News.Say("list of nodes", err.Error())
			continue
		}
		l.News.Say("list of nodes", "known")
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

// dial makes the clients once the kubelet has written the kubeconfig.
func (l *Lister) dial() []*kube.Client {
	if l.clients != nil {
		return l.clients
	}
	if _, err := os.Stat(l.Kubeconfig); err != nil {
		return nil
	}
	var clients []*kube.Client
	for _, a := range l.Addresses {
		c, err := dialVia(l.Kubeconfig, a)
		if err != nil {
			l.News.Say("list of nodes", err.Error())
			return nil
		}
		clients = append(clients, c)
	}
	l.clients = clients
	return clients
}

func dialVia(kubeconfig, address string) (*kube.Client, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read API credentials: %w", err)
	}
	if address != "" {
		if u, err := url.Parse(cfg.Host); err == nil && cfg.ServerName == "" {
			cfg.ServerName = u.Hostname()
		}
		cfg.Host = "https://" + address
	}
	return kube.New(cfg)
}

// cached is an answer from the API server's memory: cheap, and good enough.
var cached = url.Values{"resourceVersion": {"0"}}

func listHosts(ctx context.Context, c *kube.Client) ([]Host, error) {
	var list corev1.NodeList
	if err := c.Query(ctx, kube.Nodes, "", cached, &list); err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	var out []Host
	for i := range list.Items {
		n := &list.Items[i]
		h := Host{Name: n.Name, Address: api.NodeAddress(n)}
		if _, h.Master = n.Labels["node-role.kubernetes.io/master"]; h.Address != "" {
			out = append(out, h)
		}
	}
	return out, nil
}
