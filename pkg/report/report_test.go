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
	r.Field(NewPath("z")).Unsupported("x", "y", "")
	r.Field(list.Index(0).Child("name")).Required("give %s", "one")
	r.Field(list.Index(1)).Invalid("v", "bad")
	r.Field(list).TooMany(3, 2)
	r.Field(list.Index(1)).Duplicate(7, "twice")
	r.Field(NewPath("other")).NotFound(nil, "nowhere")
	r.Field(Path{}).Forbidden("all of it")
	if r.Findings()[0].Path.String() != "other" {
		t.Errorf("first is %s", r.Findings()[0].Path)
	}
	r.Field(NewPath("a")).Warn(true, "dubious")
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
	if got := strings.Join(r.Lines(true), "\n"); got != "f.yaml:2:1: a: true: dubious" {
		t.Errorf("warnings %s", got)
	}
}

func TestWarningsDoNotFail(t *testing.T) {
	r := New("f")
	r.Field(NewPath("a")).Warn(1, "hm")
	if r.Failed() || r.Err() != nil {
		t.Error("a warning failed the report")
	}
}

func TestOneCauseOneFinding(t *testing.T) {
	r := New("f")
	hosts := NewPath("hosts")
	r.Field(hosts.Index(1).Child("port")).Invalid("x", "must be a number")
	r.Field(hosts.Index(1).Child("port")).Break()
	r.Field(hosts.Index(1).Child("port")).Invalid(0, "must be positive")
	r.Field(hosts.Index(1)).Required("there is one, it is only broken")
	r.Field(hosts.Index(1).Child("port").Child("deeper")).Required("cannot be known")
	r.Field(hosts.Index(1).Child("port")).Item(0).Invalid("y", "cannot be known")
	if n := len(r.Findings()); n != 1 {
		t.Errorf("%d findings: %v", n, r.Findings())
	}
	r.Field(hosts.Index(1)).Invalid("z", "is about more than the port")
	r.Field(hosts.Index(0).Child("port")).Required("another host")
	if n := len(r.Findings()); n != 3 {
		t.Errorf("%d findings: %v", n, r.Findings())
	}
	for path, want := range map[Path]bool{
		NewPath(): true, hosts: true, hosts.Index(1): true, hosts.Index(1).Child("port").Child("deeper"): true,
		hosts.Index(0): false, NewPath("other"): false,
	} {
		if r.Broken(path) != want {
			t.Errorf("Broken(%s) = %v", path, !want)
		}
	}
}

func TestInvalidItem(t *testing.T) {
	r := New("f")
	list := NewPath("vips")
	r.Place(list.Index(1), 7, 3)
	r.Field(list).Item(1).Invalid("v", "bad")
	if got := r.Err().Error(); got != `f:7:3: vips: Invalid value: "v": bad` {
		t.Error(got)
	}
}

func TestLongValuesAreCut(t *testing.T) {
	r := New("f")
	r.Field(NewPath("a")).Invalid(strings.Repeat("é", 500)+"\n", "bad")
	if got := r.Err().Error(); len(got) > 300 || strings.Contains(got, "\n") || !strings.Contains(got, `..."`) {
		t.Error(got)
	}
}
