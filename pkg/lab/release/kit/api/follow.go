package api

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
)

// Watcher is client-go's client for Follow.
func (c *Client) Watcher() (dynamic.Interface, error) {
	cfg := rest.CopyConfig(c.Config)
	cfg.Timeout = 0 // watches stay open
	return dynamic.NewForConfig(cfg)
}

// Follow calls look with the objects of some kinds: at first, after every relevant
// change, and after as long as look returns (0 means never). It ends with ctx.
func Follow(ctx context.Context, client dynamic.Interface, clk clock.Clock, kinds []kube.Kind,
	relevant func(before, after any) bool, look func(lists [][]any) time.Duration) error {
	factory := dynamicinformer.NewDynamicSharedInformerFactory(client, 0)
	changed := make(chan struct{}, 1)
	poke := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	stores, synced := make([]cache.Store, len(kinds)), make([]cache.InformerSynced, len(kinds))
	for n, k := range kinds {
		r := schema.GroupVersionResource{Group: k.Group, Version: k.Version, Resource: k.Plural}
		i := factory.ForResource(r).Informer()
		_, err := i.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { poke() },
			UpdateFunc: func(before, after any) {
				if relevant(before, after) {
					poke()
				}
			},
			DeleteFunc: func(any) { poke() },
		})
		if err != nil {
			return fmt.Errorf("watch %s: %w", k.Plural, err)
		}
		stores[n], synced[n] = i.GetStore(), i.HasSynced
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return nil
	}
	for {
		lists := make([][]any, len(kinds))
		for n, s := range stores {
			lists[n] = s.List()
		}
		var again <-chan time.Time
		if d := look(lists); d > 0 {
			again = clk.After(d)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-again:
		}
	}
}

// Decoded is an object of Follow in its type.
func Decoded[T any](o any) (T, error) {
	var out T
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		return out, fmt.Errorf("decode a %T", o)
	}
	return out, runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &out)
}
