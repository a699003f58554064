package images

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	imagev1 "github.com/openshift/api/image/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/lab/ociimage"
	"github.com/okd-install/okd-install/pkg/lab/release/component"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
)

var runLevel = regexp.MustCompile(`^\d{4}_`)

// releaseManifests is the release image's top layer: references, metadata and
// the manifests of all operators, with images pinned.
func releaseManifests(
	version string, components []component.Component, specs map[string]string,
) (ociimage.Tree, error) {
	out := ociimage.Tree{}
	put := func(name string, data []byte) { out.File("/release-manifests/"+name, 0o644, data) }

	references := imagev1.ImageStream{
		TypeMeta:   metav1.TypeMeta{Kind: "ImageStream", APIVersion: imagev1.GroupVersion.String()},
		ObjectMeta: metav1.ObjectMeta{Name: version},
	}
	for _, c := range components {
		annotations := map[string]string{"io.openshift.build.source-location": "https://github.com/okd-install/okd-install"}
		if c.Versions != "" {
			annotations["io.openshift.build.versions"] = c.Versions
		}
		references.Spec.Tags = append(references.Spec.Tags, imagev1.TagReference{
			Name: c.Tag, Annotations: annotations, Generation: new(int64(2)),
			From: &corev1.ObjectReference{Kind: "DockerImage", Name: specs[c.Tag]},
		})
	}
	meta := map[string]any{
		"kind": "cincinnati-metadata-v0", "version": version, "previous": []string{}, "next": []string{},
		"metadata": map[string]string{
			"url": "https://github.com/okd-install/okd-install",
			"io.openshift.upgrades.graph.release.channels": channels(version),
		},
	}
	for name, v := range map[string]any{"image-references": references, "release-metadata": meta} {
		data, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return nil, err
		}
		put(name, append(data, '\n'))
	}
	for _, c := range components {
		if !c.Operator || c.Manifests == nil {
			continue
		}
		entries, err := fs.ReadDir(c.Manifests, ".")
		if err != nil {
			return nil, fmt.Errorf("list manifests of %s: %w", c.Tag, err)
		}
		for _, e := range entries {
			n := e.Name()
			if !slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(n)) {
				continue
			}
			data, err := fs.ReadFile(c.Manifests, n)
			if err != nil {
				return nil, fmt.Errorf("read manifest of %s: %w", c.Tag, err)
			}
			text, err := pin(string(data), version, specs)
			if err != nil {
				return nil, fmt.Errorf("pin images of %s/%s: %w", c.Tag, n, err)
			}
			to := n
			if !runLevel.MatchString(n) {
				to = "0000_50_" + c.Tag + "_" + n
			}
			if out.Has("/release-manifests/" + to) {
				return nil, fmt.Errorf("two components have a manifest %s; name one after its component", to)
			}
			put(to, []byte(text))
		}
	}
	return out, nil
}

// channels are those of the update service that offer a version.
func channels(version string) string {
	release, _, ok := strings.Cut(version, ".0-")
	if !ok || !contract.Since(version, "5.0") {
		return "stable-scos-4"
	}
	return "candidate-" + release + ",stable-" + release
}

var imageName = regexp.MustCompile(`image\.release\.test/([a-z0-9-]+):payload`)

// pin replaces what stands for images and versions in a manifest.
func pin(text, version string, specs map[string]string) (string, error) {
	var unknown []string
	text = imageName.ReplaceAllStringFunc(text, func(ref string) string {
		tag := imageName.FindStringSubmatch(ref)[1]
		spec, ok := specs[tag]
		if !ok {
			unknown = append(unknown, tag)
		}
		return spec
	})
	if len(unknown) > 0 {
		return "", fmt.Errorf("no image with tag %s in the release", strings.Join(unknown, ", "))
	}
	return strings.NewReplacer(
		component.SnapshotKubernetes, KubernetesVersion,
		component.SnapshotVersion, version,
	).Replace(text), nil
}
