package node

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/ignite"
	"github.com/okd-install/okd-install/pkg/agent/service"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/kube"
)

// nodeList is what is read of the API's nodes.
type nodeList struct {
	Items []struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
		Status struct {
			Conditions []struct {
				Type   string `json:"type"`
				Status string `json:"status"`
			} `json:"conditions"`
			Addresses []struct {
				Address string `json:"address"`
			} `json:"addresses"`
		} `json:"status"`
	} `json:"items"`
}

// Nodes asks the API of a kubeconfig for the cluster's nodes.
func Nodes(ctx context.Context, kubeconfig []byte) ([]service.Node, error) {
	api, err := kube.Dial(kubeconfig)
	if err != nil {
		return nil, err
	}
	return nodesOf(ctx, api)
}

func nodesOf(ctx context.Context, api *kube.Client) ([]service.Node, error) {
	var list nodeList
	if err := api.List(ctx, kube.Nodes, "", &list); err != nil {
		return nil, err
	}
	nodes := make([]service.Node, 0, len(list.Items))
	for _, item := range list.Items {
		n := service.Node{Name: item.Metadata.Name}
		for _, c := range item.Status.Conditions {
			if c.Type == "Ready" {
				n.Ready = c.Status == "True"
			}
		}
		for _, a := range item.Status.Addresses {
			n.Addresses = append(n.Addresses, a.Address)
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// hostsMap is the ConfigMap that the bootstrap makes of nodesFile.
var hostsMap = kube.ConfigMaps.Ref("okd-agent-install", "okd-agent-hosts")

// Standing asks the API of a kubeconfig what it knows of a cluster that is there before the
// hosts have been given orders. It asks at the virtual addresses, which need no DNS, and at the
// API's name if there are none.
func Standing(ctx context.Context, cfg *agent.Config, kubeconfig []byte) (*service.Standing, error) {
	rest, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig: %w", err)
	}
	if len(cfg.APIVIPs) > 0 {
		u, err := url.Parse(rest.Host)
		if err != nil {
			return nil, fmt.Errorf("server of the kubeconfig: %w", err)
		}
		rest.ServerName = u.Hostname() // for its certificate, which is that of the image's cluster or refused
		u.Host = netip.AddrPortFrom(cfg.APIVIPs[0], 6443).String()
		rest.Host = u.String()
	}
	api, err := kube.New(rest)
	if err != nil {
		return nil, err
	}
	st := &service.Standing{}
	if st.Nodes, err = nodesOf(ctx, api); err != nil {
		return nil, err
	}
	if st.Lacks, err = (&handoff.Watcher{Watcher: kube.Watcher{API: api}}).Missing(ctx); err != nil {
		return nil, err
	}
	hosts, err := data(ctx, api, hostsMap)
	if err != nil || hosts == nil {
		return st, err
	}
	if err := json.Unmarshal([]byte(hosts["hosts.json"]), &st.Planned); err != nil {
		return nil, fmt.Errorf("%s: %w", hostsMap, err)
	}
	written, err := data(ctx, api, writtenMap)
	st.Written = slices.Sorted(maps.Keys(written))
	return st, err
}

// data is that of a ConfigMap, nil if there is none.
func data(ctx context.Context, api *kube.Client, ref kube.Ref) (map[string]string, error) {
	var cm struct {
		Data map[string]string `json:"data"`
	}
	err := api.Get(ctx, ref, &cm)
	if kube.NotFound(err) {
		return nil, nil
	}
	return cm.Data, err
}

// writtenMap is the ConfigMap that has the hosts which have written their disk, by name, with the
// time. The rendezvous host writes it, because it remembers nothing if it boots the medium again.
var writtenMap = kube.ConfigMaps.Ref(hostsMap.Namespace, "okd-agent-written")

// Mark notes in the cluster that a host has written its disk.
func Mark(ctx context.Context, kubeconfig []byte, hostname string, at time.Time) error {
	api, err := kube.Dial(kubeconfig)
	if err != nil {
		return err
	}
	return api.Apply(ctx, writtenMap, "okd-agent", map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": writtenMap.Name, "namespace": writtenMap.Namespace},
		"data":     map[string]string{hostname: at.UTC().Format(time.RFC3339)},
	})
}

// mark does that on the rendezvous host. Without the mark the disk is written once more if the
// host boots the medium again.
func (a *Agent) mark(ctx context.Context) {
	a.mu.Lock()
	rendezvous, hostname := a.svc != nil, a.state.Hostname
	a.mu.Unlock()
	if !rendezvous || a.Config.InPlace || a.Config.Join != nil || a.Mark == nil {
		return
	}
	kubeconfig, err := ignite.File(filepath.Join(a.Dir, agent.BootstrapIgnition), kubeconfigs[0])
	for try := 0; err == nil && try < markTries; try++ {
		within, cancel := context.WithTimeout(ctx, standingLimit)
		err = a.Mark(within, kubeconfig, hostname, a.Clock.Now())
		cancel()
		if err == nil || a.Clock.Sleep(ctx, time.Second) != nil {
			break
		}
	}
	if err != nil && ctx.Err() == nil {
		a.Log.Warn("the cluster does not know that the disk is written", "error", err)
	}
}

const (
	// markTries is how often the cluster is told that the disk is written.
	markTries = 3
	// standingEvery is how often a rendezvous host without orders asks for the cluster.
	standingEvery = 10 * time.Second
	// standingLimit is how long the cluster may take to answer.
	standingLimit = 10 * time.Second
)

// seek looks for the cluster while this rendezvous host has not been told to bootstrap it: it may
// have lost that order with its power, or have booted the medium again after its installation.
func (a *Agent) seek(ctx context.Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.Standing == nil || a.Config.Join != nil || a.svc == nil || a.state.Bootstrap {
		return
	}
	if a.seeking || a.Clock.Now().Before(a.sought) {
		return
	}
	a.seeking = true
	svc := a.svc
	a.beside(func() {
		st := a.standing(ctx)
		if err := svc.Found(st); err != nil {
			a.Log.Error("service", "error", err)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.seeking, a.sought = false, a.Clock.Now().Add(min(standingEvery, 10*a.Interval))
	})
}

// standing is nil if no cluster answers.
func (a *Agent) standing(ctx context.Context) *service.Standing {
	kubeconfig, err := ignite.File(filepath.Join(a.Dir, agent.BootstrapIgnition), kubeconfigs[0])
	if err != nil {
		a.Log.Warn("look for the cluster", "error", err)
		return nil
	}
	within, cancel := context.WithTimeout(ctx, standingLimit)
	defer cancel()
	st, err := a.Standing(within, kubeconfig)
	if err != nil {
		return nil // nearly always: there is no cluster yet
	}
	return st
}
