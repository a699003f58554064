package kube

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// Files are rendered files by path below an output directory.
type Files map[string][]byte

// Add renders objects as YAML below dir, by file name. An object is a typed
// one or a map.
func (f Files) Add(dir string, objects map[string]any) error {
	for name, obj := range objects {
		var data []byte
		var err error
		if m, ok := obj.(map[string]any); ok {
			data, err = yaml.Marshal(m)
		} else {
			data, err = YAML(obj)
		}
		if err != nil {
			return fmt.Errorf("render %s: %w", name, err)
		}
		f[filepath.Join(dir, name)] = data
	}
	return nil
}

// Write stores the files; whatever holds a key is readable by root only.
func (f Files) Write(dir string) error {
	for name, data := range f {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write rendered files: %w", err)
		}
		mode := os.FileMode(0o644)
		if strings.HasSuffix(name, ".key") || strings.HasSuffix(name, "-secret.yaml") {
			mode = 0o600
		}
		if err := os.WriteFile(path, data, mode); err != nil {
			return fmt.Errorf("write rendered files: %w", err)
		}
	}
	return nil
}

// OperatorResource is the initial cluster resource of an operator.
func OperatorResource(kind string) map[string]any {
	return map[string]any{
		"apiVersion": "operator.openshift.io/v1", "kind": kind,
		"metadata": map[string]any{"name": "cluster"},
		"spec":     map[string]any{"managementState": "Managed", "logLevel": "Normal", "operatorLogLevel": "Normal"},
	}
}
