// Package handoff waits while the temporary control plane hands over to the
// masters: the API answers, the bootstrap says it is complete, etcd has left
// the bootstrap host, and every node has joined.
package handoff

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/wait"
)

// Watcher looks at a cluster that is coming up.
type Watcher struct {
	API   *kube.Client
	Clock clock.Clock
	Sink  event.Sink
	// Every is the time between two looks.
	Every time.Duration
	// Resolve looks up a host; nil asks the resolver of this host.
	Resolve func(ctx context.Context, host string) ([]string, error)
}

// Answers waits until the API answers and returns its version.
func (w *Watcher) Answers(ctx context.Context) (string, error) {
	var version string
	err := wait.Until(ctx, w.Clock, w.Every, func(ctx context.Context) (bool, string, error) {
		body, err := w.API.Raw(ctx, "/version", nil)
		if err != nil {
			return false, w.say("API at %s: %s", w.API.URL(), kube.Cause(err)), nil
		}
		var v struct {
			GitVersion string `json:"gitVersion"`
		}
		if err := json.Unmarshal(body, &v); err != nil {
			return false, w.say("API at %s: what answers there is no Kubernetes API: %v", w.API.URL(), err), nil
		}
		version = v.GitVersion
		return true, "", nil
	})
	if err != nil {
		return "", fmt.Errorf("wait for the Kubernetes API: %w", err)
	}
	return version, nil
}

// BootstrapComplete waits for the ConfigMap in which the bootstrap host says
// that it has done its part.
func (w *Watcher) BootstrapComplete(ctx context.Context) error {
	err := wait.Until(ctx, w.Clock, w.Every, func(ctx context.Context) (bool, string, error) {
		done, err := w.Completed(ctx)
		if err != nil {
			return false, w.say("ConfigMap kube-system/bootstrap: %s", kube.Cause(err)), nil
		}
		if !done {
			return false, w.say("the bootstrap host has not reported completion%s", w.joining(ctx)), nil
		}
		return true, "", nil
	})
	if err != nil {
		return fmt.Errorf("wait for bootstrap to complete: %w", err)
	}
	return nil
}

// Completed looks once whether the bootstrap host has said that it is done.
func (w *Watcher) Completed(ctx context.Context) (bool, error) {
	var cm corev1.ConfigMap
	err := w.API.Get(ctx, kube.Ref{Kind: kube.ConfigMaps, Namespace: "kube-system", Name: "bootstrap"}, &cm)
	if kube.NotFound(err) {
		return false, nil
	}
	return cm.Data["status"] == "complete", err
}

type condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

type operatorCR struct {
	Status struct {
		Conditions []condition `json:"conditions"`
	} `json:"status"`
}

func (o operatorCR) condition(name string) condition {
	for _, c := range o.Status.Conditions {
		if c.Type == name {
			return c
		}
	}
	return condition{Type: name, Status: "Unknown", Message: "not reported"}
}

// EtcdMoved waits until the etcd operator has removed the bootstrap member.
// Switching the bootstrap host off before that would cost etcd a vote.
func (w *Watcher) EtcdMoved(ctx context.Context) error {
	err := wait.Until(ctx, w.Clock, w.Every, func(ctx context.Context) (bool, string, error) {
		moved, why, err := w.etcdMoved(ctx)
		if err != nil {
			return false, w.say("cannot ask operator etcd whether the bootstrap member is gone: %s",
				kube.Cause(err)), nil
		}
		if !moved {
			return false, w.say("operator etcd: bootstrap member not removed yet: %s", why), nil
		}
		return true, "", nil
	})
	if err != nil {
		return fmt.Errorf("wait for etcd to leave the bootstrap host: %w", err)
	}
	return nil
}

// HasMoved looks once whether etcd has left the bootstrap host.
func (w *Watcher) HasMoved(ctx context.Context) (bool, error) {
	moved, _, err := w.etcdMoved(ctx)
	return moved, err
}

func (w *Watcher) etcdMoved(ctx context.Context) (bool, string, error) {
	var cr operatorCR
	if err := w.API.Get(ctx, kube.Ref{Kind: kube.Etcds, Name: "cluster"}, &cr); err != nil {
		return false, "", err
	}
	c := cr.condition("EtcdBootstrapMemberRemoved")
	return c.Status == "True", c.Message, nil
}

// say reports what is being waited for and returns the same words.
func (w *Watcher) say(format string, args ...any) string {
	text := fmt.Sprintf(format, args...)
	event.ProgressOf(w.Sink, text)
	return text
}
