package rest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/fault"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

// Collection is a kind of objects that are listed, searched and shown.
type Collection[T any] struct {
	Name     string // of the list
	All      func(*Call) ([]*T, error)
	Find     func(*Call) (*T, error)
	Fields   func(*Call, *T) search.Fields
	Document func(*Call, *T) *api.Element
}

// Show answers with the document of one object.
func (k Collection[T]) Show(c *Call) (*api.Element, error) {
	object, err := k.Find(c)
	if err != nil {
		return nil, err
	}
	return k.Document(c, object), nil
}

// List answers with the documents of those objects that the request's search
// finds.
func (k Collection[T]) List(c *Call) (*api.Element, error) {
	objects, err := k.All(c)
	if err != nil {
		return nil, err
	}
	found, err := matching(c, objects, k.Fields)
	if err != nil {
		return nil, err
	}
	documents := api.Each(found, func(object *T) *api.Element { return k.Document(c, object) })
	return api.New(k.Name).Add(documents...), nil
}

// matching filters, sorts and pages a collection by the request's search, max and
// case parameters.
func matching[T any](c *Call, items []*T, fields func(*Call, *T) search.Fields) ([]*T, error) {
	q, err := search.Parse(c.Query.Get("search"))
	if err != nil {
		return nil, refuse.Invalid("%v", err)
	}
	var out []*T
	path := c.r.URL.Path
	_, blind := c.Faults.Take(c.r.Method, []string{path, strings.TrimPrefix(path, api.Prefix)}, fault.IgnoreSearch)
	for _, item := range items {
		ok := blind
		if !blind {
			if ok, err = q.Match(fields(c, item)); err != nil {
				return nil, refuse.Invalid("%v", err)
			}
		}
		if ok {
			out = append(out, item)
		}
	}
	if field, desc := q.Sort(); field != "" {
		value := func(item *T) string {
			v, _ := fields(c, item)(field)
			return strings.Join(v, ",")
		}
		slices.SortStableFunc(out, func(a, b *T) int {
			if desc {
				a, b = b, a
			}
			return strings.Compare(value(a), value(b))
		})
	}
	const page = 100
	if q.Page > 0 {
		from := min((q.Page-1)*page, len(out))
		out = out[from:min(from+page, len(out))]
	}
	if n, err := strconv.Atoi(c.Query.Get("max")); err == nil && n >= 0 && n < len(out) {
		out = out[:n]
	}
	return out, nil
}

// Fields makes a lookup for searches of fields with one value, or none if it is
// empty, and of fields with several.
func Fields(single map[string]string, several map[string][]string) search.Fields {
	return func(name string) ([]string, bool) {
		if values, ok := several[name]; ok {
			return values, true
		}
		value, ok := single[name]
		if value == "" {
			return nil, ok
		}
		return []string{value}, ok
	}
}
