package staticpod

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/kube"
)

// fetchOperator reads the operator's cluster resource, making it if the
// manifests have not been applied.
func (c *Component) fetchOperator(ctx context.Context, k *kube.Clients) (*unstructured.Unstructured, error) {
	api := k.Dynamic.Resource(c.Resource)
	u, err := api.Get(ctx, "cluster", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		u = &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": c.Resource.GroupVersion().String(),
			"kind":       c.Kind,
			"metadata":   map[string]any{"name": "cluster"},
			"spec":       map[string]any{"managementState": "Managed"},
		}}
		u, err = api.Create(ctx, u, metav1.CreateOptions{})
	}
	if err != nil {
		return nil, fmt.Errorf("read %s cluster: %w", c.Resource.Resource, err)
	}
	return u, nil
}

// recordedRevisions reads nodeStatuses.
func recordedRevisions(u *unstructured.Unstructured) map[string]int {
	out := map[string]int{}
	list, _, _ := unstructured.NestedSlice(u.Object, "status", "nodeStatuses")
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			continue
		}
		name, _ := m["nodeName"].(string)
		if n, ok := m["currentRevision"].(int64); ok {
			out[name] = int(n)
		}
	}
	return out
}

// nodeStatuses renders what plan works on, as the waits of the bootstrap and
// the installer read it.
func nodeStatuses(views []nodeView, latest int) []any {
	out := []any{}
	for _, v := range views {
		m := map[string]any{"nodeName": v.Name, "currentRevision": int64(v.currentRevision())}
		if v.currentRevision() != latest && v.Installer.Exists {
			m["targetRevision"] = int64(latest)
		}
		if v.Installer.Failed {
			m["lastFailedRevision"] = int64(latest)
			m["lastFailedCount"] = int64(v.Installer.Attempt + 1)
			m["lastFailedReason"] = "InstallerFailed"
		}
		out = append(out, m)
	}
	return out
}

// writeOperator stores the status if it differs; conditions of other writers
// stay.
func (c *Component) writeOperator(ctx context.Context, k *kube.Clients, u *unstructured.Unstructured, views []nodeView, latest int, conditions []Condition, now time.Time) (bool, error) {
	want := u.DeepCopy()
	status, _, _ := unstructured.NestedMap(want.Object, "status")
	if status == nil {
		status = map[string]any{}
	}
	ready := 0
	for _, v := range views {
		if v.Ready {
			ready++
		}
	}
	status["nodeStatuses"] = nodeStatuses(views, latest)
	status["latestAvailableRevision"] = int64(latest)
	status["readyReplicas"] = int64(ready)
	have, _ := status["conditions"].([]any)
	status["conditions"] = mergeConditions(have, conditions, now)
	want.Object["status"] = status
	if equality.Semantic.DeepEqual(u.Object, want.Object) {
		return false, nil
	}
	if _, err := k.Dynamic.Resource(c.Resource).UpdateStatus(ctx, want, metav1.UpdateOptions{}); err != nil {
		return false, fmt.Errorf("write status of %s cluster: %w", c.Resource.Resource, err)
	}
	return true, nil
}

// mergeConditions replaces conditions by type. The transition time moves only
// when the status does.
func mergeConditions(have []any, want []Condition, now time.Time) []any {
	out := append([]any{}, have...)
	for _, w := range want {
		status := "False"
		if w.Status {
			status = "True"
		}
		entry := map[string]any{
			"type":               w.Type,
			"status":             status,
			"reason":             w.Reason,
			"message":            w.Message,
			"lastTransitionTime": now.UTC().Format(time.RFC3339),
		}
		if w.Reason == "" {
			entry["reason"] = "AsExpected"
		}
		found := false
		for i, h := range out {
			m, ok := h.(map[string]any)
			if !ok || m["type"] != w.Type {
				continue
			}
			if m["status"] == status {
				entry["lastTransitionTime"] = m["lastTransitionTime"]
			}
			out[i], found = entry, true
		}
		if !found {
			out = append(out, entry)
		}
	}
	return out
}

// WriteClusterOperator stores the conditions and versions of a
// ClusterOperator if they differ, making the object if it is missing.
func WriteClusterOperator(ctx context.Context, d dynamic.Interface, name string, related []any, conditions []Condition, versions map[string]string, now time.Time) error {
	api := d.Resource(kube.ClusterOperators)
	u, err := api.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		u, err = api.Create(ctx, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "config.openshift.io/v1",
			"kind":       "ClusterOperator",
			"metadata":   map[string]any{"name": name},
			"spec":       map[string]any{},
		}}, metav1.CreateOptions{})
	}
	if err != nil {
		return fmt.Errorf("read ClusterOperator %s: %w", name, err)
	}
	want := u.DeepCopy()
	status, _, _ := unstructured.NestedMap(want.Object, "status")
	if status == nil {
		status = map[string]any{}
	}
	have, _ := status["conditions"].([]any)
	status["conditions"] = mergeConditions(have, conditions, now)
	status["relatedObjects"] = related
	if list := versionList(versions); len(list) > 0 {
		status["versions"] = list
	}
	want.Object["status"] = status
	if equality.Semantic.DeepEqual(u.Object, want.Object) {
		return nil
	}
	if _, err := api.UpdateStatus(ctx, want, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("write status of ClusterOperator %s: %w", name, err)
	}
	return nil
}

func versionList(versions map[string]string) []any {
	var out []any
	for _, k := range sortedKeys(versions) {
		if versions[k] != "" {
			out = append(out, map[string]any{"name": k, "version": versions[k]})
		}
	}
	return out
}
