package values

import "github.com/okd-install/okd-install/pkg/report"

// Drop empties a field that nothing looks at any more.
func Drop[T comparable](at report.Field, value *T) {
	var zero T
	if *value != zero {
		at.Warn(nil, "means nothing any more; remove it")
		*value = zero
	}
}
