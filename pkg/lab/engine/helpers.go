package engine

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

func contains(list []string, s string) bool { return slices.Contains(list, s) }

func without(list []string, s string) []string {
	var out []string
	for _, x := range list {
		if x != s {
			out = append(out, x)
		}
	}
	return out
}

// firstOf returns the first text that is there.
func firstOf(texts ...*string) string {
	for _, t := range texts {
		if t != nil {
			return *t
		}
	}
	return ""
}

func set[T any](dst *T, src *T) {
	if src != nil {
		*dst = *src
	}
}

func errIllegal(action string, d *model.Disk) error {
	return fmt.Errorf("Cannot %s. The following disk(s) are in ILLEGAL status: %s.", action, d.Alias) //nolint:staticcheck // the engine's words
}

// complete is the answer to an action or a removal. The body must not be
// empty: the Go SDK takes that for an error.
func complete(job *model.Job) *api.Action {
	out := &api.Action{Status: "complete"}
	if job != nil {
		out.Job = api.To("jobs", job.ID)
	}
	return out
}

// isName is what the engine takes as a name for VMs, templates and tags.
func isName(s string) bool {
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.", r)) {
			return false
		}
	}
	return s != ""
}

func checkName(action, kind, name string, longest int) error {
	switch {
	case name == "":
		return invalid("Cannot %s. %s name may not be empty.", action, kind)
	case !isName(name):
		return invalid("Cannot %s. The given name contains special characters. Only lower-case and upper-case letters, numbers, '_', '-', '.' are allowed.", action)
	case len(name) > longest:
		return invalid("Cannot %s. %s name is too long: it cannot have more than %d characters.", action, kind, longest)
	}
	return nil
}

func sortBy[T any](items []*T, field string, desc bool, fields func(*T) search.Fields) {
	value := func(item *T) string {
		v, _ := fields(item)(field)
		return strings.Join(v, ",")
	}
	sort.SliceStable(items, func(i, j int) bool {
		if desc {
			i, j = j, i
		}
		return value(items[i]) < value(items[j])
	})
}
