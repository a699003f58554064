package clusterbootstrap

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// manifest is one object and the file it came from.
type manifest struct {
	file   string
	object *unstructured.Unstructured
}

// readManifests reads the YAML and JSON files of a directory in the order of
// their names. Files may hold several documents and lists.
func readManifests(dir string) ([]manifest, error) {
	files, err := regularFiles(dir)
	if err != nil {
		return nil, err
	}
	var out []manifest
	var errs []error
	for _, path := range files {
		switch filepath.Ext(path) {
		case ".yaml", ".yml", ".json":
		default:
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read manifest: %w", err)
		}
		objects, err := parse(data)
		if err != nil {
			errs = append(errs, fmt.Errorf("read manifest %s: %w", filepath.Base(path), err))
			continue
		}
		for _, o := range objects {
			out = append(out, manifest{file: filepath.Base(path), object: o})
		}
	}
	if len(out) == 0 && len(errs) == 0 {
		return nil, fmt.Errorf("read manifests of %s: %w", dir, errNoManifests)
	}
	return out, errors.Join(errs...)
}

func parse(data []byte) ([]*unstructured.Unstructured, error) {
	d := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	var out []*unstructured.Unstructured
	for {
		var m map[string]any
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if len(m) == 0 {
			continue
		}
		u := &unstructured.Unstructured{Object: m}
		if u.GetKind() == "" || u.GetAPIVersion() == "" {
			return nil, errors.New("an object has no kind or apiVersion")
		}
		if !u.IsList() {
			out = append(out, u)
			continue
		}
		err = u.EachListItem(func(o runtime.Object) error {
			item, ok := o.(*unstructured.Unstructured)
			if !ok {
				return fmt.Errorf("a list holds a %T", o)
			}
			out = append(out, item)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
}
