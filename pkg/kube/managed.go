package kube

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Fields are those of an object that an owner has applied, as a tree with keys such as f:metadata; nil if it has none.
type Fields map[string]any

// Applied reads an object's managed fields.
func Applied(object map[string]any, owner string) Fields {
	meta, _ := object["metadata"].(map[string]any)
	raw, err := json.Marshal(meta["managedFields"])
	if err != nil {
		return nil
	}
	var entries []metav1.ManagedFieldsEntry
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil
	}
	for _, e := range entries {
		if e.Manager != owner || e.Operation != metav1.ManagedFieldsOperationApply || e.Subresource != "" ||
			e.FieldsV1 == nil {
			continue
		}
		var fields Fields
		if err := json.Unmarshal(e.FieldsV1.Raw, &fields); err != nil {
			return nil
		}
		return fields
	}
	return nil
}

// Has reports whether a field is among them, as in Has("metadata", "labels", "a").
func (f Fields) Has(path ...string) bool {
	at := map[string]any(f)
	for _, name := range path {
		next, has := at["f:"+name]
		if !has {
			return false
		}
		at, _ = next.(map[string]any)
	}
	return f != nil
}
