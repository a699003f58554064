package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// File is a file of a directory.
type File struct {
	Name string
	Data []byte
}

// Manifest is one object and the file it came from.
type Manifest struct {
	File   string
	Object *unstructured.Unstructured
}

// ReadFiles reads the YAML and JSON files of a directory, sorted by name.
func ReadFiles(dir string) ([]File, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list manifests: %w", err)
	}
	var out []File
	for _, e := range entries {
		if e.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(e.Name())) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read manifest: %w", err)
		}
		out = append(out, File{e.Name(), data})
	}
	return out, nil
}

// ReadYAML reads one object from a file.
func ReadYAML(path string, into any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := sigsyaml.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("parse %s: %w", path, err)
	}
	return nil
}

// Manifests are the objects of files. The error names every unreadable file.
func Manifests(files []File) ([]Manifest, error) {
	var out []Manifest
	var errs []error
	for _, f := range files {
		objects, err := Decode(f.Data)
		if err != nil {
			errs = append(errs, fmt.Errorf("read manifest %s: %w", f.Name, err))
		}
		for _, o := range objects {
			out = append(out, Manifest{f.Name, o})
		}
	}
	return out, errors.Join(errs...)
}

// Decode reads the objects of a file, which may hold several documents and lists.
func Decode(data []byte) ([]*unstructured.Unstructured, error) {
	d := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	var out []*unstructured.Unstructured
	for {
		u := &unstructured.Unstructured{}
		err := d.Decode(&u.Object)
		switch {
		case errors.Is(err, io.EOF):
			if slices.ContainsFunc(out, incomplete) {
				return nil, errors.New("an object has no kind, apiVersion or name")
			}
			return out, nil
		case err != nil:
			return nil, err
		case len(u.Object) == 0:
		case !u.IsList():
			out = append(out, u)
		default:
			list, err := u.ToList()
			if err != nil {
				return nil, err
			}
			for i := range list.Items {
				out = append(out, &list.Items[i])
			}
		}
	}
}

func incomplete(o *unstructured.Unstructured) bool {
	return o.GetKind() == "" || o.GetAPIVersion() == "" || o.GetName() == ""
}

// Pass puts manifests in place in their order and returns those that failed, with
// the causes. It goes on after a failure: what a manifest needs (a namespace, a
// definition) may come with a later one.
func Pass(ctx context.Context, list []Manifest, put func(context.Context, *unstructured.Unstructured) error) (
	failed []Manifest, causes []error) {
	for i, m := range list {
		if ctx.Err() != nil {
			return append(failed, list[i:]...), append(causes, ctx.Err())
		}
		if err := put(ctx, m.Object); err != nil {
			failed, causes = append(failed, m), append(causes, fmt.Errorf("%s: %w", m.File, err))
		}
	}
	return failed, causes
}
