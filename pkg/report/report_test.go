package report

import (
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	r := New("f.yaml")
	list := NewPath("a").Child("list")
	r.Place(NewPath("a"), 2, 1)
	r.Place(list.Index(1), 4, 5)
	r.Place(NewPath("z"), 9, 4)
	r.Unsupported(NewPath("z"), "x", "y", "")
	r.Required(list.Index(0).Child("name"), "give %s", "one")
	r.Invalid(list.Index(1), "v", "bad")
	r.TooMany(list, 3, 2)
	r.Duplicate(list.Index(1), 7, "twice")
	r.NotFound(NewPath("other"), nil, "nowhere")
	r.Forbidden(Path{}, "all of it")
	if r.Findings()[0].Path.String() != "other" {
		t.Errorf("first is %s", r.Findings()[0].Path)
	}
	r.Warn(NewPath("a"), true, "dubious")
	want := `f.yaml: other: Not found: null: nowhere
f.yaml: Forbidden: all of it
f.yaml:2:1: a.list[0].name: Required value: give one
f.yaml:2:1: a.list: Too many: 3: must have at most 2 items
f.yaml:4:5: a.list[1]: Invalid value: "v": bad
f.yaml:4:5: a.list[1]: Duplicate value: 7: twice
f.yaml:9:4: z: Unsupported value: "x": supported values: "y", ""`
	if got := r.Err().Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := strings.Join(r.Lines(true), "\n"); got != "f.yaml:2:1: a: Invalid value: true: dubious" {
		t.Errorf("warnings %s", got)
	}
	if !r.Mentions(NewPath("other")) || r.Mentions(NewPath("othe")) {
		t.Error("Mentions is wrong")
	}
}

func TestWarningsDoNotFail(t *testing.T) {
	r := New("f")
	r.Warn(NewPath("a"), 1, "hm")
	if r.Failed() || r.Err() != nil {
		t.Error("a warning failed the report")
	}
}
