package control

import (
	"fmt"
	"hash/fnv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// eventName is the same for the same event, so that it is made once.
func eventName(o metav1.Object, parts ...string) string {
	h := fnv.New64a()
	fmt.Fprint(h, o.GetUID(), parts)
	name := o.GetName()
	if len(name) > 200 {
		name = name[:200]
	}
	return fmt.Sprintf("%s.%016x", name, h.Sum64())
}
