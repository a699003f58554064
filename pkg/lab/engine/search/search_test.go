package search

import (
	"strings"
	"testing"
)

// vm is one object to search for: up, named demo-master-0, with two tags.
func vm(name string) ([]string, bool) {
	fields := map[string][]string{
		"name": {"demo-master-0"}, "status": {"up"}, "tag": {"demo", "gpu"}, "cluster": {"Default"},
		"cluster.name": {"Default"}, "host": nil, "memory": {"1024"},
	}
	v, ok := fields[name]
	return v, ok
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		query string
		want  bool
	}{
		{"", true},
		{"name=demo-master-0", true},
		{"name = demo-master-0", true},
		{"NAME=DEMO-master-0", true},
		{"name=demo-master", false},
		{"name=demo-*", true},
		{"name=*-0", true},
		{"name=d*m*0", true},
		{"name=*worker*", false},
		{"demo-*", true},
		{`tag = "demo" AND name = "demo-master-0" AND (status = up OR status = down)`, true},
		{`tag = "demo" AND (status = image_locked OR status = down)`, false},
		{"status != up", false},
		{"status != down", true},
		{"tag=gpu", true},
		{"tag!=gpu", false},
		{"tag!=other", true},
		{"host=host1", false},
		{"host!=host1", true},
		{"name=x or name=demo-* and status=down", false},
		{"(name=x or name=demo-*) and status=up", true},
		{"not status=down", true},
		{"cluster=default status=up", true},
		{"memory>512", true},
		{"memory<512", false},
		{"memory >= 1024 sortby name desc page 2", true},
	} {
		q, err := Parse(c.query)
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		got, err := q.Match(vm)
		if err != nil || got != c.want {
			t.Errorf("%s: matched %v (%v), want %v", c.query, got, err, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"name=", "=x", "(name=x", "name=x)", `name="x`, "name=x and", "name!x", "name=x sortby", "page x",
		"name==x", strings.Repeat("(", 1000),
	} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestMatchUnknownField(t *testing.T) {
	q, err := Parse("name=x or colour=red")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Match(vm); err == nil {
		t.Error("a field that VMs do not have was taken")
	}
}

func TestSortAndPage(t *testing.T) {
	q, err := Parse("sortby name desc page 3")
	if err != nil {
		t.Fatal(err)
	}
	field, desc := q.Sort()
	if field != "name" || !desc || q.Page != 3 {
		t.Errorf("got %s %v %d", field, desc, q.Page)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"name=x", `tag = "a b" and (status = up or status != down)`, "not (a*)", "x sortby name page 1", "((((", "'", "a>=b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := Parse(text)
		if err != nil {
			return
		}
		if _, err := q.Match(func(string) ([]string, bool) { return []string{"v"}, true }); err != nil {
			t.Errorf("%q: all fields known, yet: %v", text, err)
		}
	})
}
