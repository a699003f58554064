package bootstrap

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/asset"
)

const clusterVersionFile = "manifests/cvo-overrides.yaml"

// override is one entry of ClusterVersion's spec.overrides.
type override struct {
	Kind      string `json:"kind"`
	Group     string `json:"group"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Unmanaged bool   `json:"unmanaged"`
}

// ignoreInstallerObjects makes the cluster-version operator on the bootstrap host ignore
// every object of the installer, because it would race with cluster-bootstrap to create
// them. The returned patch restores the user's own overrides.
func ignoreInstallerObjects(files asset.Files) (asset.Files, []byte, error) {
	version, ok := files.Get(clusterVersionFile)
	if !ok {
		return nil, nil, fmt.Errorf("%s is missing", clusterVersionFile)
	}
	var object map[string]any
	if err := yaml.Unmarshal(version.Data, &object); err != nil {
		return nil, nil, fmt.Errorf("parse %s: %w", clusterVersionFile, err)
	}
	spec, _ := object["spec"].(map[string]any)
	if spec == nil {
		return nil, nil, fmt.Errorf("%s has no spec", clusterVersionFile)
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"overrides": spec["overrides"]}})
	if err != nil {
		return nil, nil, fmt.Errorf("encode the original overrides: %w", err)
	}
	user, _ := spec["overrides"].([]any)
	ours, err := installerOverrides(files, user)
	if err != nil {
		return nil, nil, err
	}
	spec["overrides"] = append(user[:len(user):len(user)], ours...)
	out, err := yaml.Marshal(object)
	if err != nil {
		return nil, nil, fmt.Errorf("encode %s: %w", clusterVersionFile, err)
	}
	return asset.Merge(files, asset.Files{{Path: clusterVersionFile, Data: out, Mode: version.Mode}}), patch, nil
}

func installerOverrides(files asset.Files, user []any) ([]any, error) {
	from := map[override]string{} // the file of each object, empty for the user's overrides
	for _, u := range user {
		m, _ := u.(map[string]any)
		text := func(name string) string { s, _ := m[name].(string); return s }
		from[override{text("kind"), text("group"), text("namespace"), text("name"), true}] = ""
	}
	var out []any
	for _, f := range files.Sorted() {
		dir, _, _ := strings.Cut(f.Path, "/")
		if f.Path == clusterVersionFile || dir != "manifests" && dir != "openshift" {
			continue
		}
		objects, err := objectsOf(f)
		if err != nil {
			return nil, err
		}
		for _, o := range objects {
			// The API server refuses a list with the same object twice.
			switch first, seen := from[o]; {
			case !seen:
				from[o] = f.Path
				out = append(out, o)
			case first != "":
				return nil, fmt.Errorf("%s %q is in %s and in %s; remove one of them", o.Kind, o.Name, first, f.Path)
			}
		}
	}
	return out, nil
}

// objectsOf reads the objects of a manifest, which may hold several documents and lists.
func objectsOf(f asset.File) ([]override, error) {
	type meta struct {
		APIVersion string                           `json:"apiVersion"`
		Kind       string                           `json:"kind"`
		Metadata   struct{ Name, Namespace string } `json:"metadata"`
		Items      []json.RawMessage                `json:"items"`
	}
	var out []override
	var add func(raw []byte) error
	add = func(raw []byte) error {
		var m meta
		if err := json.Unmarshal(raw, &m); err != nil {
			return fmt.Errorf("parse %s: %w", f.Path, err)
		}
		if m.Items != nil && strings.HasSuffix(m.Kind, "List") {
			for _, item := range m.Items {
				if err := add(item); err != nil {
					return err
				}
			}
			return nil
		}
		if m.Kind == "" || m.Metadata.Name == "" {
			return fmt.Errorf("%s holds something that is not a Kubernetes object: kind and metadata.name are needed", f.Path)
		}
		group, _, found := strings.Cut(m.APIVersion, "/")
		if !found {
			group = ""
		}
		out = append(out, override{m.Kind, group, m.Metadata.Namespace, m.Metadata.Name, true})
		return nil
	}
	docs := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(f.Data), 4096)
	for {
		var raw json.RawMessage
		err := docs.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", f.Path, err)
		}
		if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
			continue
		}
		if err := add(raw); err != nil {
			return nil, err
		}
	}
}
