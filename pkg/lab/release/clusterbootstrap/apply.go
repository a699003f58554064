package clusterbootstrap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/kube"
	"github.com/okd-install/okd-install/pkg/wait"
)

// applier creates objects and never changes one that exists.
type applier struct {
	dynamic dynamic.Interface
	mapper  resettable
	log     *slog.Logger
}

type resettable interface {
	meta.RESTMapper
	Reset()
}

func newApplier(k *kube.Clients, log *slog.Logger) (*applier, error) {
	d, err := discovery.NewDiscoveryClientForConfig(k.Config)
	if err != nil {
		return nil, fmt.Errorf("make discovery client: %w", err)
	}
	return &applier{
		dynamic: k.Dynamic,
		mapper:  restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(d)),
		log:     log,
	}, nil
}

// run applies the manifests of a directory in passes until one pass is clean:
// the definition of a kind or a namespace may come later than what needs it.
func (a *applier) run(ctx context.Context, clk clock.Clock, dir string) error {
	todo, err := readManifests(dir)
	if err != nil {
		return err
	}
	a.log.Info("applying manifests", "objects", len(todo))
	last := ""
	err = wait.Until(ctx, clk, 200*time.Millisecond, func(ctx context.Context) (bool, string, error) {
		var failed []manifest
		var errs []error
		unknown := false
		for _, m := range todo {
			err := a.create(ctx, m)
			if err == nil {
				continue
			}
			unknown = unknown || meta.IsNoMatchError(err)
			failed, errs = append(failed, m), append(errs, err)
		}
		todo = failed
		if len(todo) == 0 {
			return true, "", nil
		}
		if unknown {
			a.mapper.Reset()
		}
		why := fmt.Sprintf("%d objects not created; first: %v", len(todo), errs[0])
		if why != last {
			a.log.Info("manifests left", "count", len(todo), "first", errs[0])
			last = why
		}
		return false, why, nil
	})
	if err != nil {
		return fmt.Errorf("apply manifests: %w", err)
	}
	a.log.Info("all manifests applied")
	return nil
}

func (a *applier) create(ctx context.Context, m manifest) error {
	gvk := m.object.GroupVersionKind()
	mapping, err := a.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return fmt.Errorf("%s: find resource of %s: %w", m.file, gvk.Kind, err)
	}
	var api dynamic.ResourceInterface = a.dynamic.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		ns := m.object.GetNamespace()
		if ns == "" {
			ns = metav1.NamespaceDefault
		}
		api = a.dynamic.Resource(mapping.Resource).Namespace(ns)
	}
	live, err := api.Create(ctx, m.object.DeepCopy(), metav1.CreateOptions{})
	switch {
	case err == nil:
		a.log.Debug("created", "kind", gvk.Kind, "namespace", m.object.GetNamespace(), "name", m.object.GetName())
	case apierrors.IsAlreadyExists(err):
		if live, err = api.Get(ctx, m.object.GetName(), metav1.GetOptions{}); err != nil {
			return fmt.Errorf("%s: read %s %s: %w", m.file, gvk.Kind, m.object.GetName(), err)
		}
	default:
		return fmt.Errorf("%s: create %s %s: %w", m.file, gvk.Kind, m.object.GetName(), err)
	}
	return a.status(ctx, api, m, live)
}

// status stores the manifest's status if the live object has none. A resource
// without status subresource has taken it on creation.
func (a *applier) status(ctx context.Context, api dynamic.ResourceInterface, m manifest, live *unstructured.Unstructured) error {
	want, ok := m.object.Object["status"].(map[string]any)
	if !ok || len(want) == 0 {
		return nil
	}
	if have, ok := live.Object["status"].(map[string]any); ok && len(have) > 0 {
		return nil
	}
	live.Object["status"] = want
	_, err := api.UpdateStatus(ctx, live, metav1.UpdateOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("%s: write status of %s %s: %w", m.file, live.GetKind(), live.GetName(), err)
	}
	return nil
}

// ParsePods reads the flag --required-pods: namespace/prefix, separated by
// commas; each may carry a description and a colon in front and alternatives
// separated by |.
func ParsePods(list []string) ([]Pod, error) {
	var out []Pod
	for _, item := range list {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		p := Pod{Name: item}
		if name, rest, ok := strings.Cut(item, ":"); ok {
			p.Name, item = name, rest
		}
		for _, alternative := range strings.Split(item, "|") {
			ns, prefix, ok := strings.Cut(alternative, "/")
			if !ok || ns == "" || prefix == "" {
				return nil, fmt.Errorf("parse required pod %q: want namespace/prefix", alternative)
			}
			p.Any = append(p.Any, PodPrefix{Namespace: ns, Prefix: prefix})
		}
		out = append(out, p)
	}
	return out, nil
}

// Pod is a pod that must run before the temporary control plane may go.
type Pod struct {
	Name string
	Any  []PodPrefix
}

// PodPrefix matches pods of a namespace by the beginning of their name.
type PodPrefix struct{ Namespace, Prefix string }

var errNoManifests = errors.New("there is no manifest")
