// Package objects writes Kubernetes objects as manifest files.
package objects

import (
	"encoding/json"
	"fmt"
	"path"
	"strconv"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/asset"
)

// Object is a Kubernetes object, or a part of one, as plain data. It is for
// kinds whose Go types are not at hand, or would write fields that the API
// server refuses.
type Object = map[string]any

// Set gathers the manifests of one directory. It keeps the first failure, so
// that whoever fills it needs to look only once, at the end.
type Set struct {
	dir   string
	files asset.Files
	err   error
}

// In returns an empty set of manifests for a directory.
func In(dir string) *Set { return &Set{dir: dir} }

// Add renders one object as the file with that name.
func (s *Set) Add(name string, object any) {
	if s.err != nil {
		return
	}
	file := path.Join(s.dir, name)
	text, err := Render(object)
	if err != nil {
		s.err = fmt.Errorf("render %s: %w", file, err)
		return
	}
	s.files = append(s.files, asset.NewFile(file, text))
}

// AddEach renders one file per object. The %s in format becomes the object's
// position, with as many digits for all as the number of objects has, so that
// files sort in the order of the list.
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

// Render writes an object as YAML. What Go types add without meaning, nulls and
// a status that says nothing, is left out.
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
