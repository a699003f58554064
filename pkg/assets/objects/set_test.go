package objects

import (
	"math"
	"slices"
	"testing"

	configv1 "github.com/openshift/api/config/v1"
)

func TestRender(t *testing.T) {
	network := configv1.ImageDigestMirrorSet{}
	network.Name = "mirrors"
	network.Spec.ImageDigestMirrors = []configv1.ImageDigestMirrors{{Source: "quay.io/a/b"}}
	tests := []struct {
		name   string
		object any
		want   string
	}{
		{"nulls and an empty status", network,
			"metadata:\n  name: mirrors\nspec:\n  imageDigestMirrors:\n  - source: quay.io/a/b\n"},
		{"nulls in lists", Object{"a": []any{Object{"b": nil, "c": 1}}}, "a:\n- c: 1\n"},
		{"a status that says nothing",
			Object{"a": 1, "status": Object{"n": 0, "s": "", "l": []string{}, "o": Object{"b": false}}}, "a: 1\n"},
		{"a status that says something", Object{"status": Object{"n": 0, "s": "x"}}, "status:\n  \"n\": 0\n  s: x\n"},
		{"empty values elsewhere", Object{"spec": Object{"policy": Object{}, "name": ""}},
			"spec:\n  name: \"\"\n  policy: {}\n"},
		{"text like a number", Object{"a": "0123", "b": "yes", "c": "1e3"}, "a: \"0123\"\nb: \"yes\"\nc: \"1e3\"\n"},
		{"large number", Object{"a": 10000000}, "a: 10000000\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Render(tt.object)
			if err != nil || string(got) != tt.want {
				t.Errorf("got %v\n%s\nwant\n%s", err, got, tt.want)
			}
		})
	}
}

// Ten files have two digits each, so that their names sort as the list does.
func TestAddEach(t *testing.T) {
	for _, tt := range []struct {
		count       int
		first, last string
	}{
		{1, "d/x-0.yaml", "d/x-0.yaml"}, {9, "d/x-0.yaml", "d/x-8.yaml"},
		{10, "d/x-00.yaml", "d/x-09.yaml"}, {1000, "d/x-0000.yaml", "d/x-0999.yaml"},
	} {
		set := In("d")
		AddEach(set, "x-%s.yaml", make([]Object, tt.count))
		files, err := set.Files()
		if err != nil {
			t.Fatal(err)
		}
		paths := files.Paths()
		if len(paths) != tt.count || paths[0] != tt.first || paths[len(paths)-1] != tt.last || !slices.IsSorted(paths) {
			t.Errorf("%d: %d files from %s to %s", tt.count, len(paths), paths[0], paths[len(paths)-1])
		}
	}
}

func TestSetKeepsTheFirstFailure(t *testing.T) {
	set := In("d")
	set.Add("good.yaml", Object{})
	set.Add("bad.yaml", Object{"n": math.Inf(1)})
	set.Add("worse.yaml", Object{"f": func() {}})
	files, err := set.Files()
	if files != nil || err == nil || err.Error() != "render d/bad.yaml: json: unsupported value: +Inf" {
		t.Errorf("got %v, %v", files, err)
	}
}
