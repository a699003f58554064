package handoff

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/kube"
)

var infrastructures = kube.Kind{Group: "config.openshift.io", Version: "v1", Plural: "infrastructures"}

// joining says how far the masters are, for whoever has no look at the
// bootstrap host. While there is none, it looks for the name from which they
// fetch their configuration: on platforms where that is in the operator's DNS,
// machines wait for it without end and say so on their consoles only.
func (w *Watcher) joining(ctx context.Context) string {
	var list corev1.NodeList
	if err := w.API.List(ctx, kube.Nodes, "", &list); err != nil {
		return "" // the next look says why
	}
	masters := 0
	for _, n := range list.Items {
		if _, master := n.Labels["node-role.kubernetes.io/master"]; master {
			masters++
		}
	}
	if masters > 0 {
		return fmt.Sprintf("; masters that have joined: %d", masters)
	}
	var infra struct {
		Status struct {
			APIServerInternalURI string
			PlatformStatus       struct{ Type string }
		}
	}
	if w.API.Get(ctx, kube.Ref{Kind: infrastructures, Name: "cluster"}, &infra) != nil {
		return "; no master has joined"
	}
	internal, err := url.Parse(infra.Status.APIServerInternalURI)
	if kind := infra.Status.PlatformStatus.Type; err != nil || kind != "None" && kind != "External" {
		return "; no master has joined"
	}
	resolve := w.Resolve
	if resolve == nil {
		resolve = net.DefaultResolver.LookupHost
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if _, err := resolve(ctx, internal.Hostname()); err != nil {
		return fmt.Sprintf("; no master has joined: %s, from which machines fetch their configuration, %s as seen "+
			"from here", internal.Hostname(), unresolved(err))
	}
	return "; no master has joined"
}

// unresolved says why in words that do not change from look to look: a wait
// takes new words for progress, and an error of the network names ports.
func unresolved(err error) string {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return "has no address"
	}
	return "cannot be resolved"
}
