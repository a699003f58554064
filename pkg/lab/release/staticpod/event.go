package staticpod

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type operatorResource = *unstructured.Unstructured

// Event records what the operator did, on its Deployment, and logs it. A
// failure to record is only logged: the deed is done.
func (o *Operator) Event(ctx context.Context, kind, reason, message string) {
	o.Log.Info("event", "component", o.Name, "reason", reason, "message", message)
	now := metav1.NewTime(o.Clock.Now())
	e := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: o.OperatorNamespace,
			Name:      fmt.Sprintf("%s.%x", o.Deployment, now.UnixNano()),
		},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "apps/v1", Kind: "Deployment", Namespace: o.OperatorNamespace, Name: o.Deployment,
		},
		Reason:         reason,
		Message:        message,
		Type:           kind,
		Source:         corev1.EventSource{Component: o.Deployment},
		FirstTimestamp: now,
		LastTimestamp:  now,
		Count:          1,
	}
	if _, err := o.Clients.Kube.CoreV1().Events(o.OperatorNamespace).Create(ctx, e, metav1.CreateOptions{}); err != nil {
		o.Log.Warn("record event", "reason", reason, "err", err)
	}
}
