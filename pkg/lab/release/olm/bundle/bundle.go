// Package bundle is how the content of a bundle's image comes to the cluster: a pod
// that has the image copies it out, another program puts it into a ConfigMap.
package bundle

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

// Limits of a bundle: what a ConfigMap can hold, and what it may unpack to.
const (
	maxFiles    = 500
	maxUnpacked = 32 << 20
)

// Copy copies the parts of a bundle's image from its root to another directory.
func Copy(root, to string) error {
	for _, dir := range []string{"manifests", "metadata"} {
		if err := os.CopyFS(filepath.Join(to, dir), os.DirFS(filepath.Join(root, dir))); err != nil {
			return fmt.Errorf("copy %s of bundle: %w", dir, err)
		}
	}
	return nil
}

// Install copies this program to a file that the bundle's image can run: it has no
// program of its own.
func Install(to string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	in, err := os.Open(self)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// Pack makes the content of a bundle directory that of a ConfigMap.
func Pack(dir fs.FS, into *corev1.ConfigMap) error {
	into.BinaryData = map[string][]byte{}
	if into.Annotations == nil {
		into.Annotations = map[string]string{}
	}
	entries, err := fs.ReadDir(dir, "manifests")
	if err != nil {
		return fmt.Errorf("read bundle: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		data, err := fs.ReadFile(dir, path.Join("manifests", e.Name()))
		if err != nil {
			return fmt.Errorf("read bundle: %w", err)
		}
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		if _, err := w.Write(data); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		into.BinaryData[e.Name()] = z.Bytes()
	}
	raw, err := fs.ReadFile(dir, "metadata/annotations.yaml")
	if err != nil {
		return fmt.Errorf("read bundle: %w", err)
	}
	var file struct{ Annotations map[string]string }
	if err := yaml.Unmarshal(raw, &file); err != nil {
		return fmt.Errorf("read annotations of bundle: %w", err)
	}
	maps.Copy(into.Annotations, file.Annotations)
	return nil
}

// Unpack reads the objects of a ConfigMap that Pack filled, sorted by file.
func Unpack(cm corev1.ConfigMap) ([]*unstructured.Unstructured, error) {
	if len(cm.BinaryData) > maxFiles {
		return nil, fmt.Errorf("bundle has %d files, more than %d", len(cm.BinaryData), maxFiles)
	}
	var out []*unstructured.Unstructured
	left := int64(maxUnpacked)
	for _, name := range slices.Sorted(maps.Keys(cm.BinaryData)) {
		z, err := gzip.NewReader(bytes.NewReader(cm.BinaryData[name]))
		if err != nil {
			return nil, fmt.Errorf("read %s of bundle: %w", name, err)
		}
		data, err := io.ReadAll(io.LimitReader(z, left+1))
		if err != nil {
			return nil, fmt.Errorf("read %s of bundle: %w", name, err)
		}
		if left -= int64(len(data)); left < 0 {
			return nil, fmt.Errorf("bundle unpacks to more than %d bytes", maxUnpacked)
		}
		if !slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name)) {
			continue
		}
		objects, err := api.Decode(data)
		if err != nil {
			return nil, fmt.Errorf("read %s of bundle: %w", name, err)
		}
		out = append(out, objects...)
	}
	return out, nil
}

// supported are the kinds that a bundle may have.
var supported = strings.Fields(`ClusterServiceVersion CustomResourceDefinition Secret ClusterRole ClusterRoleBinding
	ConfigMap ServiceAccount Service Role RoleBinding PrometheusRule ServiceMonitor PodDisruptionBudget PriorityClass
	VerticalPodAutoscaler ConsoleYAMLSample ConsoleQuickStart ConsoleCLIDownload ConsoleLink ConsolePlugin
	NetworkPolicy`)

// Supported reports whether a bundle may have objects of a kind.
func Supported(kind string) bool { return slices.Contains(supported, kind) }

// Owner makes an object the owner of others in its namespace.
func Owner(apiVersion, kind string, o metav1.Object, controller bool) metav1.OwnerReference {
	return metav1.OwnerReference{
		APIVersion: apiVersion, Kind: kind, Name: o.GetName(), UID: o.GetUID(),
		Controller: new(controller), BlockOwnerDeletion: new(controller),
	}
}
