// Package search is the engine's query language, as the API's search parameter
// takes it: conditions such as name=x or status != up, joined with AND, OR and
// parentheses, with * as a wildcard.
package search

import (
	"fmt"
	"strconv"
	"strings"
)

// Fields looks a field of one object up. Objects may hold several values, such
// as tags. Known is false when objects of this kind have no such field.
type Fields func(name string) (values []string, known bool)

// Query is a parsed search. The zero Query matches everything.
type Query struct {
	expr   node
	sortBy string
	desc   bool
	Page   int // from 1; 0 when the query does not say
}

type node interface {
	match(Fields) (bool, error)
}

type and struct{ left, right node }
type or struct{ left, right node }
type not struct{ inner node }
type condition struct{ field, op, value string }

// Match reports whether an object fits. It fails on a field the object's kind
// does not have, which the engine takes for a bad request.
func (q Query) Match(f Fields) (bool, error) {
	if q.expr == nil {
		return true, nil
	}
	return q.expr.match(f)
}

// Sort returns the field to sort by, or "".
func (q Query) Sort() (field string, descending bool) { return q.sortBy, q.desc }

func (n and) match(f Fields) (bool, error) {
	left, err := n.left.match(f)
	if err != nil {
		return false, err
	}
	right, err := n.right.match(f)
	return left && right, err
}

func (n or) match(f Fields) (bool, error) {
	left, err := n.left.match(f)
	if err != nil {
		return false, err
	}
	right, err := n.right.match(f)
	return left || right, err
}

func (n not) match(f Fields) (bool, error) {
	ok, err := n.inner.match(f)
	return !ok, err
}

func (c condition) match(f Fields) (bool, error) {
	values, known := f(c.field)
	if !known {
		return false, fmt.Errorf("unknown search field %q", c.field)
	}
	if c.op == "!=" {
		for _, v := range values {
			if Wildcard(c.value, v) {
				return false, nil
			}
		}
		return true, nil
	}
	for _, v := range values {
		if c.compare(v) {
			return true, nil
		}
	}
	return false, nil
}

func (c condition) compare(v string) bool {
	if c.op == "=" {
		return Wildcard(c.value, v)
	}
	order := strings.Compare(strings.ToLower(v), strings.ToLower(c.value))
	if a, err := strconv.ParseFloat(v, 64); err == nil {
		if b, err := strconv.ParseFloat(c.value, 64); err == nil {
			order = compareNumbers(a, b)
		}
	}
	switch c.op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}

func compareNumbers(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Wildcard compares as the engine does: without regard to case, * standing
// for any run of characters.
func Wildcard(pattern, value string) bool {
	parts := strings.Split(strings.ToLower(pattern), "*")
	value = strings.ToLower(value)
	if len(parts) == 1 {
		return parts[0] == value
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(value, first) {
		return false
	}
	value = value[len(first):]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(value, part)
		if i < 0 {
			return false
		}
		value = value[i+len(part):]
	}
	return strings.HasSuffix(value, last)
}
