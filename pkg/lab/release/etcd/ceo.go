package etcd

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/kube"
	"github.com/okd-install/okd-install/pkg/wait"
)

// WaitForCEO returns when etcd no longer depends on the bootstrap host:
// condition EtcdRunningInCluster of etcds/cluster. There is no time limit, as
// there is none in OKD: giving up early would cost the cluster its quorum.
func WaitForCEO(ctx context.Context, k *kube.Clients, clk clock.Clock, log *slog.Logger) error {
	last := ""
	err := wait.Until(ctx, clk, time.Second, func(ctx context.Context) (bool, string, error) {
		done, why := runningCondition(ctx, k)
		if why != last {
			log.Info("waiting for the etcd operator", "done", done, "state", why)
			last = why
		}
		return done, why, nil
	})
	if err != nil {
		return fmt.Errorf("wait for etcd to run in the cluster: %w", err)
	}
	return nil
}

func runningCondition(ctx context.Context, k *kube.Clients) (bool, string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	u, err := k.Dynamic.Resource(kube.Etcds).Get(ctx, "cluster", metav1.GetOptions{})
	if err != nil {
		return false, err.Error()
	}
	list, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, e := range list {
		if m, ok := e.(map[string]any); ok && m["type"] == "EtcdRunningInCluster" {
			return m["status"] == "True", fmt.Sprint(m["message"])
		}
	}
	return false, "etcds/cluster has no condition EtcdRunningInCluster yet"
}
