package manifests_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/virtualization/manifests"
)

const someFile = "virtualization/30-storage/55-mine.yaml"

func TestParse(t *testing.T) {
	list, err := manifests.Parse(someFile, []byte(`# two documents
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: n}
data: {n: "1"}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "system:mine"}
rules: [{verbs: [get], nonResourceURLs: [/x]}]
---
`))
	if err != nil || len(list) != 2 {
		t.Fatalf("%d objects, %v", len(list), err)
	}
	a, b := list[0], list[1]
	if a.Step != manifests.StepStorage || a.Path != "30-storage/55-mine.yaml" || a.Path != b.Path ||
		a.Namespace() != "n" || b.Name() != "system:mine" || b.Kind() != "ClusterRole" {
		t.Errorf("%+v", list)
	}
}

func TestParseFindings(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{someFile, "", "virtualization/30-storage/55-mine.yaml: "},
		{someFile, "kind: A\nmetadata: {name: a}\n", "55-mine.yaml:1:1: [0].apiVersion: Required"},
		{someFile, "apiVersion: v1\nkind: 1\nmetadata: {name: a}\n", "55-mine.yaml:2:7: [0].kind: Invalid"},
		{someFile, "apiVersion: v1\nkind: A\n", "[0].metadata: Required"},
		{someFile, "apiVersion: v1\nkind: A\nmetadata: a\n", "55-mine.yaml:3:11: [0].metadata: Invalid"},
		{someFile, "apiVersion: v1\nkind: A\nmetadata: {name: 1}\n", "55-mine.yaml:3:18: [0].metadata.name: Invalid"},
		{someFile, "apiVersion: v1\nkind: A\nmetadata: {name: A_b}\n", "[0].metadata.name: Invalid"},
		{someFile, "apiVersion: v1\nkind: A\nmetadata: {generateName: a}\n", "[0].metadata.generateName: Forbidden"},
		{someFile, "apiVersion: v1\nkind: A\nmetadata: {name: a, namespace: b.c}\n", "[0].metadata.namespace: Invalid"},
		{someFile, "apiVersion: v1\nkind: A\nmetadata: {name: a, labels: {x: true}}\n", "[0].metadata.labels.x: Invalid"},
		{someFile, "apiVersion: v1\nkind: A\nmetadata: {name: a, annotations: [x]}\n", "[0].metadata.annotations: Invalid"},
		{someFile, "apiVersion: v1\nkind: List\nmetadata: {name: a}\nitems: []\n", "[0].kind: Invalid"},
		{someFile, "apiVersion: v1\nkind: A\nkind: B\nmetadata: {name: a}\n", "55-mine.yaml:3:1: [0].kind: Duplicate"},
		{someFile, "apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\nkind: B\nmetadata: {name: a}\n",
			"55-mine.yaml:5:1: [1].apiVersion: Required"},
		{someFile, "a: [\n", "55-mine.yaml:"},
		{"virtualization/31-other/a.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: a}\n", "31-other/a.yaml"},
	} {
		_, err := manifests.Parse(c.file, []byte(c.text))
		var bad *report.Error
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

func TestParseAll(t *testing.T) {
	object := "apiVersion: v1\nkind: A\nmetadata: {name: a}\n"
	_, err := manifests.ParseAll(map[string][]byte{
		"virtualization/20-operator/a.yaml": []byte(object), "virtualization/10-catalog/a.yaml": []byte("kind: A\n"),
		"virtualization/30-storage/b.yaml": []byte(object + "---\n" + object),
	})
	for _, want := range []string{
		"virtualization/10-catalog/a.yaml:1:1: [0].apiVersion: Required",
		"virtualization/30-storage/b.yaml: Duplicate value: A a is in virtualization/20-operator/a.yaml as well",
		"virtualization/30-storage/b.yaml: Duplicate value: A a is in virtualization/30-storage/b.yaml as well",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %q", err, want)
		}
	}
	list, err := manifests.ParseAll(map[string][]byte{
		"virtualization/30-storage/b.yaml": []byte(object), "virtualization/10-catalog/c.yaml": []byte(
			"apiVersion: v1\nkind: B\nmetadata: {name: a}\n"),
	})
	if err != nil || !slices.Equal([]string{list[0].Step, list[1].Step}, []string{"catalog", "storage"}) {
		t.Errorf("%v, %v", list, err)
	}
}

// Whatever a file holds, it is read or there is a finding; what was read can be written and read again.
func FuzzParse(f *testing.F) {
	f.Add([]byte("apiVersion: v1\nkind: A\nmetadata: {name: a, labels: {a: b}}\n" +
		"spec: {n: 1.5, big: 18446744073709551615}\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\n---\nx\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := manifests.Parse(someFile, data)
		if (err == nil) != (len(list) > 0) {
			t.Fatalf("%d objects and %v", len(list), err)
		}
		for _, m := range list {
			text, err := m.YAML()
			if err != nil {
				t.Fatal(err)
			}
			again, err := manifests.Parse(someFile, text)
			if err != nil || len(again) != 1 || again[0].Name() != m.Name() {
				t.Fatalf("written as\n%s\nread as %+v: %v", text, again, err)
			}
		}
	})
}
