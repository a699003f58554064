package operator

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

// Record makes an event in the namespace of the object that it is about, unless
// there is one of that name.
func Record(ctx context.Context, c *api.Client, now time.Time, e corev1.Event) error {
	e.Namespace, e.Count = e.InvolvedObject.Namespace, 1
	e.FirstTimestamp, e.LastTimestamp = metav1.NewTime(now), metav1.NewTime(now)
	return c.Make(ctx, kube.Events, e.Namespace, &e)
}
