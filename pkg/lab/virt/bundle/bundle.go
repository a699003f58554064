// Package bundle makes the bundle of the HyperConverged operators for the lab's catalog: what the lifecycle manager
// reads of package community-kubevirt-hyperconverged.
package bundle

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"testing/fstest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/virt/cdi"
	"github.com/okd-install/okd-install/pkg/lab/virt/cnao"
	"github.com/okd-install/okd-install/pkg/lab/virt/hco"
	"github.com/okd-install/okd-install/pkg/lab/virt/hpp"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/schema"
	"github.com/okd-install/okd-install/pkg/lab/virt/ssp"
)

// Package and channel of the bundle in the catalog.
const (
	Package = "community-kubevirt-hyperconverged"
	Channel = "stable"
)

// KubeVirt is the real operator, as its own generator describes it.
type KubeVirt struct {
	Version        string // that it reports
	ServiceAccount string
	Deployment     appsv1.DeploymentSpec
	ClusterRules   []rbacv1.PolicyRule
	Rules          []rbacv1.PolicyRule
	CRD            *unstructured.Unstructured
}

// Images are pull specs.
type Images struct {
	// Virt is the image of cmd/okd-lab-virt, which all operators and their pods run.
	Virt string
	// Plugins is the nodes' directory of CNI plugins, if it is not OpenShift's.
	Plugins string
}

// Name is that of the ClusterServiceVersion.
func Name(r hco.Release) string { return "kubevirt-hyperconverged-operator.v" + r.Version }

// Bundle is the bundle of a version: manifests and metadata.
func Bundle(version string, kv KubeVirt, images Images) (fs.FS, error) {
	r, err := hco.For(version)
	if err != nil {
		return nil, err
	}
	if kv.Version != "" {
		r.KubeVirt = kv.Version
	}
	out := fstest.MapFS{}
	add := func(name string, data []byte) { out[name] = &fstest.MapFile{Data: data, Mode: 0o444} }
	for _, d := range []struct {
		file string
		of   schema.Definition
	}{
		{"hco00.crd.yaml", r.Definition()}, {"containerized-data-importer00.crd.yaml", cdi.Definition()},
		{"cluster-network-addons00.crd.yaml", cnao.Definition()}, {"hostpath-provisioner00.crd.yaml", hpp.Definition()},
		{"scheduling-scale-performance00.crd.yaml", ssp.Definition()}, {"application-aware-quota00.crd.yaml", quota()},
	} {
		add("manifests/"+d.file, d.of.Manifest())
	}
	crd, err := yaml.Marshal(kv.CRD.Object)
	if err != nil {
		return nil, fmt.Errorf("write definition of KubeVirt: %w", err)
	}
	add("manifests/kubevirt00.crd.yaml", crd)
	csv, err := yaml.Marshal(plain(clusterServiceVersion(r, kv, images)))
	if err != nil {
		return nil, fmt.Errorf("write ClusterServiceVersion: %w", err)
	}
	add("manifests/"+Name(r)+".clusterserviceversion.yaml", csv)
	metadata, err := yaml.Marshal(map[string]any{"annotations": Annotations()})
	if err != nil {
		return nil, fmt.Errorf("write metadata: %w", err)
	}
	add("metadata/annotations.yaml", metadata)
	return out, nil
}

// Annotations are those of the bundle, which its image has as labels.
func Annotations() map[string]string {
	const prefix = "operators.operatorframework.io.bundle."
	return map[string]string{
		prefix + "mediatype.v1": "registry+v1", prefix + "manifests.v1": "manifests/", prefix + "metadata.v1": "metadata/",
		prefix + "package.v1": Package, prefix + "channels.v1": Channel, prefix + "channel.default.v1": Channel,
	}
}

// quota is a kind that the operators own, but nobody in the lab serves.
func quota() schema.Definition {
	open := schema.Schema{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
	return schema.Definition{Group: "aaq.kubevirt.io", Kind: "AAQ", Plural: "aaqs", Short: []string{"aaq", "aaqs"},
		Versions: []schema.Version{{Name: "v1alpha1", Stored: true, Spec: open, Status: open}}}
}

// clusterServiceVersion is what is to be installed and how.
func clusterServiceVersion(r hco.Release, kv KubeVirt, images Images) map[string]any {
	example := []any{map[string]any{
		"apiVersion": "hco.kubevirt.io/v1beta1", "kind": "HyperConverged", "spec": map[string]any{},
		"metadata": map[string]any{"name": hco.Name, "namespace": hco.Namespace,
			"annotations": map[string]any{"deployOVS": "false"}},
	}}
	examples, err := json.Marshal(example)
	if err != nil {
		panic(err) // compiled in
	}
	initial, err := json.Marshal(example[0])
	if err != nil {
		panic(err)
	}
	modes := []any{}
	for _, m := range []struct {
		name string
		ok   bool
	}{{"OwnNamespace", false}, {"SingleNamespace", false}, {"MultiNamespace", false}, {"AllNamespaces", true}} {
		modes = append(modes, map[string]any{"type": m.name, "supported": m.ok})
	}
	return map[string]any{
		"apiVersion": "operators.coreos.com/v1alpha1", "kind": "ClusterServiceVersion",
		"metadata": map[string]any{
			"name": Name(r), "namespace": hco.Namespace,
			"annotations": map[string]any{
				"alm-examples": string(examples), "capabilities": "Deep Insights", "categories": "OpenShift Optional",
				"containerImage": images.Virt, "createdAt": time.Unix(0, 0).UTC().Format(time.RFC3339),
				"description": "A unified operator deploying and controlling KubeVirt and its supporting operators " +
					"with opinionated defaults, as the lab imitates it",
				"operatorframework.io/suggested-namespace":     hco.Namespace,
				"operatorframework.io/initialization-resource": string(initial),
				"console.openshift.io/disable-operand-delete":  "true",
				"operators.operatorframework.io/internal-objects": `["networkaddonsconfigs.networkaddonsoperator.` +
					`network.kubevirt.io","kubevirts.kubevirt.io","ssps.ssp.kubevirt.io","cdis.cdi.kubevirt.io",` +
					`"aaqs.aaq.kubevirt.io"]`,
			},
			"labels": map[string]any{
				"operatorframework.io/arch.amd64": "supported", "operatorframework.io/os.linux": "supported",
			},
		},
		"spec": map[string]any{
			"displayName": "KubeVirt HyperConverged Cluster Operator", "version": r.Version, "maturity": "alpha",
			"description": "See docs/dev/lab-virtualization-operators.md.", "minKubeVersion": "1.16.0",
			"provider": map[string]any{"name": "KubeVirt project"},
			"keywords": []any{"KubeVirt", "Virtualization", "VM"}, "installModes": modes,
			"customresourcedefinitions": map[string]any{"owned": owned(r, kv)},
			"install": map[string]any{"strategy": "deployment", "spec": map[string]any{
				"deployments": deployments(r, kv, images), "clusterPermissions": clusterPermissions(kv),
				"permissions": []any{map[string]any{"serviceAccountName": kv.ServiceAccount, "rules": kv.Rules}},
			}},
			"webhookdefinitions": webhooks(r),
		},
	}
}

func owned(r hco.Release, kv KubeVirt) []any {
	var out []any
	for _, d := range []schema.Definition{
		r.Definition(), cnao.Definition(), ssp.Definition(), cdi.Definition(), hpp.Definition(), quota(),
	} {
		// The versions that the real bundle names: of SSP both, of the others the first one.
		versions := d.Versions[:1]
		if d.Kind == "SSP" {
			versions = d.Versions
		}
		for _, v := range versions {
			out = append(out, map[string]any{"name": d.Name(), "kind": d.Kind, "version": v.Name,
				"displayName": d.Kind, "description": d.Kind})
		}
	}
	return append(out, map[string]any{"name": kv.CRD.GetName(), "kind": "KubeVirt", "version": "v1",
		"displayName": "KubeVirt deployment", "description": "Represents a KubeVirt deployment"})
}

// plain is an object of JSON's types, without what typed ones have although it says nothing.
func plain(o map[string]any) map[string]any {
	raw, err := json.Marshal(o)
	if err != nil {
		panic(err) // of values that are compiled in or were read from JSON
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err)
	}
	drop(out)
	return out
}

func drop(v any) {
	switch v := v.(type) {
	case map[string]any:
		if t, ok := v["creationTimestamp"]; ok && t == nil {
			delete(v, "creationTimestamp")
		}
		for _, x := range v {
			drop(x)
		}
	case []any:
		for _, x := range v {
			drop(x)
		}
	}
}
