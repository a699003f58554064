// Package search is the engine's query language, as the API's search parameter
// takes it: conditions such as name=x or status != up, joined with AND, OR and
// parentheses, with * as a wildcard.
package search

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Fields looks a field of one object up. Objects may hold several values, such
// as tags. Known is false when objects of this kind have no such field.
type Fields func(name string) (values []string, known bool)

// Query is a parsed search. The zero Query matches everything.
type Query struct {
	expr   expr
	sortBy string
	desc   bool
	Page   int // from 1; 0 when the query does not say
}

// expr reports whether an object fits.
type expr func(Fields) (bool, error)

// Match reports whether an object fits. It fails on a field the object's kind
// does not have, which the engine takes for a bad request.
func (q Query) Match(f Fields) (bool, error) {
	if q.expr == nil {
		return true, nil
	}
	return q.expr(f)
}

// Sort returns the field to sort by, or "".
func (q Query) Sort() (field string, descending bool) { return q.sortBy, q.desc }

// both joins two expressions. Both are tried, because either may have a field that
// the objects lack.
func both(left, right expr, join func(a, b bool) bool) expr {
	return func(f Fields) (bool, error) {
		a, err := left(f)
		if err != nil {
			return false, err
		}
		b, err := right(f)
		return join(a, b), err
	}
}

func and(a, b bool) bool { return a && b }
func or(a, b bool) bool  { return a || b }

func not(inner expr) expr {
	return func(f Fields) (bool, error) {
		ok, err := inner(f)
		return !ok, err
	}
}

// condition compares a field's values. An object with several fits if one of them
// does or, for !=, if none is equal.
func condition(field, op, value string) expr {
	if op == "!=" {
		return not(condition(field, "=", value))
	}
	equal := wildcard(value)
	return func(f Fields) (bool, error) {
		values, known := f(field)
		if !known {
			return false, fmt.Errorf("unknown search field %q", field)
		}
		return slices.ContainsFunc(values, func(v string) bool {
			if op == "=" {
				return equal.MatchString(v)
			}
			order := compare(v, value)
			return order < 0 && op[0] == '<' || order > 0 && op[0] == '>' || order == 0 && len(op) == 2
		}), nil
	}
}

// compare orders two values, as numbers if they are.
func compare(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX == nil && errY == nil {
		return cmp.Compare(x, y)
	}
	return strings.Compare(strings.ToLower(a), strings.ToLower(b))
}

// wildcard compares as the engine does: without regard to case, * standing for
// any run of characters.
func wildcard(pattern string) *regexp.Regexp {
	pattern = strings.ToValidUTF8(pattern, "\uFFFD") // which an expression must be
	return regexp.MustCompile("(?is)^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$")
}
