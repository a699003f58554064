package kube_test

import (
	"encoding/json"
	"testing"

	"github.com/okd-install/okd-install/pkg/kube"
)

func TestApplied(t *testing.T) {
	var o map[string]any
	text := `{"metadata":{"managedFields":[
		{"manager":"other","operation":"Apply","fieldsV1":{"f:spec":{}}},
		{"manager":"me","operation":"Update","fieldsV1":{"f:status":{}}},
		{"manager":"me","operation":"Apply","subresource":"status","fieldsV1":{"f:status":{}}},
		{"manager":"me","operation":"Apply","fieldsV1":{"f:metadata":{"f:labels":{"f:a":{}}}}}]}}`
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	mine := kube.Applied(o, "me")
	for _, tt := range []struct {
		path []string
		has  bool
	}{
		{[]string{"metadata", "labels", "a"}, true}, {[]string{"metadata"}, true},
		{[]string{"metadata", "labels", "b"}, false}, {[]string{"spec"}, false}, {[]string{"status"}, false},
	} {
		if mine.Has(tt.path...) != tt.has {
			t.Errorf("%v: %t", tt.path, !tt.has)
		}
	}
	if kube.Applied(o, "nobody") != nil || kube.Applied(nil, "me") != nil {
		t.Error("somebody owns what nobody has applied")
	}
}

func FuzzApplied(f *testing.F) {
	f.Add([]byte(`{"metadata":{"managedFields":[{"manager":"me","operation":"Apply","fieldsV1":{"f:spec":null}}]}}`))
	f.Add([]byte(`{"metadata":{"managedFields":7}}`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		var o map[string]any
		if json.Unmarshal(data, &o) == nil {
			kube.Applied(o, "me").Has("spec", "a")
		}
	})
}
