package ovirt

import "slices"

// one reads the object of an answer, which has to be there.
func one[R, T, V any](get func(R) (*T, bool), from func(*T) V) func(R) (V, bool) {
	return func(answer R) (V, bool) {
		object, ok := get(answer)
		if !ok {
			var none V
			return none, false
		}
		return from(object), true
	}
}

// list is a slice as the SDK has it.
type list[T any] interface{ Slice() []T }

// all reads the list of an answer, which may lack it.
func all[R any, L list[T], T, V any](get func(R) (L, bool), from func(T) V) func(R) ([]V, bool) {
	return func(answer R) ([]V, bool) {
		found, ok := get(answer)
		return each(found, ok, from), true
	}
}

// each converts a list, which may be missing.
func each[L list[T], T, V any](found L, ok bool, from func(T) V) []V {
	if !ok {
		return nil
	}
	var out []V
	for _, item := range found.Slice() {
		out = append(out, from(item))
	}
	return out
}

// ids are those of a list, which may be missing.
func ids[L list[T], T interface{ Id() (string, bool) }](found L, ok bool) []string {
	all := each(found, ok, func(item T) string { return val(item.Id()) })
	return slices.DeleteFunc(all, func(id string) bool { return id == "" })
}

// val is a value of an answer, zero where the engine does not say.
func val[T any](value T, _ bool) T { return value }

// part is an object in an answer, an empty one where the engine does not say.
func part[T any](object *T, ok bool) *T {
	if !ok {
		return new(T)
	}
	return object
}

// first is the first item that fits, nil if none does.
func first[T any](items []T, fits func(T) bool) *T {
	i := slices.IndexFunc(items, fits)
	if i < 0 {
		return nil
	}
	return &items[i]
}

// only drops the items that do not fit.
func only[T any](items []T, fits func(T) bool) []T {
	return slices.DeleteFunc(items, func(item T) bool { return !fits(item) })
}

// gone makes "not found" a success of a deletion.
func gone(err error) error {
	if Is(err, NotFound) {
		return nil
	}
	return err
}
