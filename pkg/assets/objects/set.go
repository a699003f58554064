// Package objects writes Kubernetes objects as manifest files.
package objects

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"strconv"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/asset"
)

// Object is a Kubernetes object, or a part of one, as plain data: for kinds whose Go
// types are not available or would write fields that the API server refuses.
type Object = map[string]any

// Set is the manifests of one directory. It keeps the first failure, for Files.
type Set struct {
	dir   string
	files asset.Files
	err   error
}

// In returns an empty set for a directory.
func In(dir string) *Set { return &Set{dir: dir} }

// Add renders one object as the file with that name.
func (s *Set) Add(name string, object any) {
	if s.err != nil {
		return
	}
	file := path.Join(s.dir, name)
	text, err := Render(object)
	if err != nil {
		s.Fail(fmt.Errorf("render %s: %w", file, err))
		return
	}
	s.files = append(s.files, asset.NewFile(file, text))
}

// AddSingleton is Add for the only object of a kind of config.openshift.io.
func (s *Set) AddSingleton(name, kind string, spec, status any) {
	s.Add(name, Object{
		"apiVersion": "config.openshift.io/v1", "kind": kind, "metadata": Object{"name": "cluster"},
		"spec": spec, "status": status,
	})
}

// Fail makes Files return an error, unless something failed before.
func (s *Set) Fail(err error) { s.err = cmp.Or(s.err, err) }

// AddEach renders one file per object. The %s in format becomes the position,
// zero-padded so that the files sort in the order of the list.
func AddEach[T any](s *Set, format string, list []T) {
	digits := len(strconv.Itoa(len(list)))
	for i, object := range list {
		s.Add(fmt.Sprintf(format, fmt.Sprintf("%0*d", digits, i)), object)
	}
}

// Files returns what was added, in path order, or the first failure.
func (s *Set) Files() (asset.Files, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.files.Sorted(), nil
}

// Render writes an object as YAML, without the nulls and empty status of Go types.
func Render(object any) ([]byte, error) {
	raw, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, err
	}
	dropNulls(tree)
	if blank(tree["status"]) {
		delete(tree, "status")
	}
	return yaml.Marshal(tree)
}

func dropNulls(tree map[string]any) {
	for key, value := range tree {
		switch value := value.(type) {
		case nil:
			delete(tree, key)
		case map[string]any:
			dropNulls(value)
		case []any:
			for _, item := range value {
				if object, ok := item.(map[string]any); ok {
					dropNulls(object)
				}
			}
		}
	}
}

func blank(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		for _, v := range value {
			if !blank(v) {
				return false
			}
		}
		return true
	case []any:
		return len(value) == 0
	}
	return value == nil || value == "" || value == 0.0 || value == false
}
