package cvo

import (
	"fmt"
	"os"
	"path/filepath"
)

// render writes what the bootstrap host needs of this operator: its own
// manifests and the static pod that applies the release until a master does.
func render(root string, args []string) error {
	f := flags("render")
	out := f.String("output-dir", "", "directory for manifests/ and bootstrap/")
	image := f.String("release-image", "", "pull spec of the release")
	f.String("feature-gate-manifest-path", "", "the FeatureGate; no manifest of this operator depends on gates")
	f.String("cluster-version-manifest-path", "", "the ClusterVersion; no manifest of this operator depends on capabilities")
	if err := parse(f, args, "output-dir", "release-image"); err != nil {
		return err
	}
	r, err := readReferences(root)
	if err != nil {
		return err
	}
	data := templateData{ReleaseImage: *image, ClusterProfile: profile(), Version: r.Metadata.Name}
	own, err := ownManifests(root, data)
	if err != nil {
		return err
	}
	if err := writeFiles(filepath.Join(*out, "manifests"), own); err != nil {
		return err
	}
	pods, err := readDir(filepath.Join(root, "bootstrap"))
	if err != nil {
		return err
	}
	for i, p := range pods {
		if pods[i].data, err = expand(p, data); err != nil {
			return err
		}
	}
	return writeFiles(filepath.Join(*out, "bootstrap"), pods)
}

func writeFiles(dir string, files []file) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create output directory: %w", err)
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.data, 0o644); err != nil {
			return fmt.Errorf("write manifest: %w", err)
		}
	}
	return nil
}
