package handoff

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/kube"
)

// etcdNamespaces are where the etcd operator reports what it does to members.
var etcdNamespaces = []string{"openshift-etcd", "openshift-etcd-operator"}

// Members passes on, until ctx ends, what the cluster's events say of etcd members that join, are promoted or leave.
// They are the only record of the way from one member to four and to three. Every run sees the same events; fresh
// reports whether one is new.
func (w *Watcher) Members(ctx context.Context, fresh func(at time.Time, text string) bool) {
	seen := map[types.UID]bool{}
	for {
		w.members(ctx, seen, fresh)
		if w.Clock.Sleep(ctx, max(w.Every, time.Second)) != nil {
			// Look a last time, so that what happened since is not lost.
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
			defer cancel()
			w.members(last, seen, fresh)
			return
		}
	}
}

func (w *Watcher) members(
	ctx context.Context, seen map[types.UID]bool, fresh func(at time.Time, text string) bool,
) {
	var found []corev1.Event
	for _, ns := range etcdNamespaces {
		var list corev1.EventList
		if err := w.API.List(ctx, kube.Events, ns, &list); err != nil {
			continue // the API moves; the next look finds the same events
		}
		for _, e := range list.Items {
			if strings.HasPrefix(e.Reason, "Member") && !seen[e.UID] {
				seen[e.UID] = true
				found = append(found, e)
			}
		}
	}
	slices.SortFunc(found, func(a, b corev1.Event) int { return when(a).Compare(when(b)) })
	for _, e := range found {
		if text := "etcd: " + e.Message; fresh(when(e), text) {
			event.Info(w.Sink, text)
		}
	}
}

func when(e corev1.Event) time.Time {
	return cmp.Or(e.EventTime.Time, e.FirstTimestamp.Time, e.CreationTimestamp.Time)
}

// bootstrapAnnotation has the address of the bootstrap host as long as an etcd member runs there.
const bootstrapAnnotation = "alpha.installer.openshift.io/etcd-bootstrap"

// BootstrapAddress is the address of the bootstrap host as the cluster knows it, empty if it does not.
func BootstrapAddress(ctx context.Context, api *kube.Client) string {
	var cm corev1.ConfigMap
	if err := api.Get(ctx, kube.ConfigMaps.Ref("openshift-etcd", "etcd-endpoints"), &cm); err != nil {
		return ""
	}
	return cm.Annotations[bootstrapAnnotation]
}
