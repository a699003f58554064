package virtualization

import (
	"cmp"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/okd-install/okd-install/pkg/kube"
)

// object is a Kubernetes object, or a part of one, as JSON has it. None of the kinds here has types that we could use.
type object map[string]any

// get is what is at a path, nil if there is nothing.
func (o object) get(path ...string) any {
	v, _, _ := unstructured.NestedFieldNoCopy(o, path...)
	return v
}

func (o object) text(path ...string) string {
	s, _ := o.get(path...).(string)
	return s
}

func (o object) number(path ...string) int64 {
	switch n := o.get(path...).(type) {
	case float64:
		return int64(n)
	case int64:
		return n
	case int:
		return int64(n)
	}
	return 0
}

func (o object) part(path ...string) object {
	m, _ := o.get(path...).(map[string]any)
	return m
}

// list is the objects of a list.
func (o object) list(path ...string) (out []object) {
	items, _ := o.get(path...).([]any)
	for _, i := range items {
		if m, is := i.(map[string]any); is {
			out = append(out, m)
		}
	}
	return out
}

// texts is the strings of a list.
func (o object) texts(path ...string) (out []string) {
	items, _ := o.get(path...).([]any)
	for _, i := range items {
		if s, is := i.(string); is {
			out = append(out, s)
		}
	}
	return out
}

func (o object) name() string       { return o.text("metadata", "name") }
func (o object) namespace() string  { return o.text("metadata", "namespace") }
func (o object) kind() string       { return o.text("kind") }
func (o object) uid() string        { return o.text("metadata", "uid") }
func (o object) apiVersion() string { return o.text("apiVersion") }

func (o object) group() string {
	group, _, grouped := strings.Cut(o.apiVersion(), "/")
	if !grouped {
		return ""
	}
	return group
}

// String is the object for people.
func (o object) String() string {
	if o.namespace() == "" {
		return o.kind() + " " + o.name()
	}
	return o.kind() + " " + o.namespace() + "/" + o.name()
}

// condition is one condition of an object. Its status is empty if the object does not report it.
type condition struct {
	Type, Status, Reason, Message string
	since                         time.Time
}

func (c condition) is(status string) bool { return c.Status == status }

// String is the condition for people, with since when it is so.
func (c condition) String() string {
	if c.Status == "" {
		return c.Type + " is not reported yet"
	}
	text := c.Type + " is " + c.Status
	if c.Reason != "" {
		text += " (" + c.Reason + ")"
	}
	if c.Message != "" {
		text += ": " + kube.OneLine(c.Message)
	}
	return text + kube.Since(c.since)
}

func (o object) condition(kind string) condition {
	for _, c := range o.list("status", "conditions") {
		if c.text("type") == kind {
			return condition{kind, c.text("status"), c.text("reason"), c.text("message"),
				parsed(cmp.Or(c.text("lastTransitionTime"), c.text("lastUpdateTime")))}
		}
	}
	return condition{Type: kind}
}

// parsed is a time that the cluster wrote, zero if it cannot be read.
func parsed(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// stale reports whether the status of an object is about an earlier version of it.
func (o object) stale() bool {
	seen := o.number("status", "observedGeneration")
	return seen != 0 && seen < o.number("metadata", "generation")
}

// wanted is a condition and the status that it must have.
type wanted struct{ kind, status string }

// unmet is the first condition that is not as wanted; false if all are.
func (o object) unmet(list ...wanted) (condition, bool) {
	for _, w := range list {
		if c := o.condition(w.kind); !c.is(w.status) {
			return c, true
		}
	}
	return condition{}, false
}
