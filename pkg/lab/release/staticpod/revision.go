package staticpod

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

const (
	statusPrefix = "revision-status-"
	statusReady  = "Ready"
	statusMaking = "Creating"
	keptOld      = 3 // superseded revisions that stay for a look back
)

// inputs are the objects of one namespace by name.
type inputs struct {
	configMaps map[string]*corev1.ConfigMap
	secrets    map[string]*corev1.Secret
}

// revision is a finished or half-made snapshot.
type revision struct {
	number int
	hash   string
	ready  bool
	status *corev1.ConfigMap
}

// fingerprint identifies the content of a revision; missing names an absent input.
func (c *Component) fingerprint(in inputs) (sum, missing string) {
	h := sha256.New()
	for _, name := range c.revisionedConfigMaps() {
		cm, ok := in.configMaps[name]
		if !ok {
			return "", "ConfigMap " + c.Namespace() + "/" + name
		}
		put(h, "configmap", name, cm.Data)
	}
	for _, name := range c.Secrets {
		s, ok := in.secrets[name]
		if !ok {
			return "", "Secret " + c.Namespace() + "/" + name
		}
		put(h, "secret", name, s.Data)
	}
	return hex.EncodeToString(h.Sum(nil)), ""
}

func put[V string | []byte](h hash.Hash, kind, name string, data map[string]V) {
	fmt.Fprintf(h, "%s %q\n", kind, name)
	for _, key := range slices.Sorted(maps.Keys(data)) {
		fmt.Fprintf(h, "%q %d\n", key, len(data[key]))
		h.Write([]byte(data[key]))
	}
}

func (c *Component) revisionedConfigMaps() []string {
	return append([]string{c.PodConfigMap()}, c.ConfigMaps...)
}

// revisions finds the snapshots among the namespace's ConfigMaps, oldest first.
func revisions(in inputs) []revision {
	var out []revision
	for name, cm := range in.configMaps {
		rest, ok := strings.CutPrefix(name, statusPrefix)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(rest)
		if err != nil || n < 1 {
			continue
		}
		ready := cm.Data["status"] == statusReady
		out = append(out, revision{number: n, hash: cm.Data["hash"], ready: ready, status: cm})
	}
	slices.SortFunc(out, func(a, b revision) int { return a.number - b.number })
	return out
}

// nextRevision is the number of the wanted content: the latest if it is the same or
// half made (its maker died), else a new one.
func nextRevision(have []revision, sum string) (number int, make bool) {
	if len(have) == 0 {
		return 1, true
	}
	last := have[len(have)-1]
	if !last.ready {
		return last.number, true
	}
	if last.hash == sum {
		return last.number, false
	}
	return last.number + 1, true
}

// expired are snapshots neither among the latest few nor on a node.
func expired(have []revision, used []int) []revision {
	if len(have) <= keptOld+1 {
		return nil
	}
	var out []revision
	for _, r := range have[:len(have)-keptOld-1] {
		if !slices.Contains(used, r.number) {
			out = append(out, r)
		}
	}
	return out
}

// snapshot copies the inputs as revision n. The copies go with the status ConfigMap.
func (c *Component) snapshot(ctx context.Context, client *api.Client, in inputs, n int, sum string) error {
	number := strconv.Itoa(n)
	made := api.ConfigMap(c.Namespace(), statusPrefix+number,
		map[string]string{"revision": number, "status": statusMaking})
	ref := kube.ConfigMaps.Ref(c.Namespace(), made.Name)
	err := client.Create(ctx, kube.ConfigMaps, c.Namespace(), made)
	if apierrors.IsAlreadyExists(err) {
		err = client.Get(ctx, ref, made)
	}
	if err != nil {
		return fmt.Errorf("start revision %d: %w", n, err)
	}
	owner := []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: made.Name, UID: made.UID}}
	for _, src := range c.revisionedConfigMaps() {
		cm := api.ConfigMap(c.Namespace(), revisioned(src, n), in.configMaps[src].Data)
		cm.OwnerReferences = owner
		if err := client.EnsureConfigMap(ctx, cm); err != nil {
			return err
		}
	}
	for _, src := range c.Secrets {
		s := api.Secret(c.Namespace(), revisioned(src, n), in.secrets[src].Data)
		s.Type = in.secrets[src].Type
		s.OwnerReferences = owner
		if err := client.EnsureSecret(ctx, s); err != nil {
			return err
		}
	}
	made.Data = map[string]string{"revision": number, "status": statusReady, "hash": sum}
	if err := client.Update(ctx, ref, "", made); err != nil {
		return fmt.Errorf("finish revision %d: %w", n, err)
	}
	return nil
}

func revisioned(name string, n int) string { return name + "-" + strconv.Itoa(n) }
