package handoff

import (
	"context"
	"sort"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/kube"
)

// etcdNamespaces are where the etcd operator reports what it does to members.
var etcdNamespaces = []string{"openshift-etcd", "openshift-etcd-operator"}

// Members passes on, until ctx ends, what the cluster's own events say of etcd
// members that join, are promoted or leave, and when: the one record of the way
// from one member to four and to three. Every run sees the same events; fresh
// reports whether one was not told of before.
func (w *Watcher) Members(ctx context.Context, fresh func(at time.Time, text string) bool) {
	seen := map[string]bool{}
	look := func(ctx context.Context) {
		var found []corev1.Event
		for _, ns := range etcdNamespaces {
			var list corev1.EventList
			if err := w.API.List(ctx, kube.Events, ns, &list); err != nil {
				continue // the API moves; the next look finds the same events
			}
			for _, e := range list.Items {
				if strings.HasPrefix(e.Reason, "Member") && !seen[string(e.UID)] {
					seen[string(e.UID)] = true
					found = append(found, e)
				}
			}
		}
		sort.Slice(found, func(i, j int) bool { return when(found[i]).Before(when(found[j])) })
		for _, e := range found {
			if text := "etcd: " + e.Message; fresh(when(e), text) {
				event.Info(w.Sink, text)
			}
		}
	}
	for {
		look(ctx)
		if w.Clock.Sleep(ctx, max(w.Every, time.Second)) != nil {
			// One last look, so that what happened since the previous one is not lost.
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
			defer cancel()
			look(last)
			return
		}
	}
}

func when(e corev1.Event) time.Time {
	if !e.EventTime.IsZero() {
		return e.EventTime.Time
	}
	if !e.FirstTimestamp.IsZero() {
		return e.FirstTimestamp.Time
	}
	return e.CreationTimestamp.Time
}
