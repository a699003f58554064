package proof

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/kube"
)

func (r *run) pods(ctx context.Context, namespace, selector string) ([]corev1.Pod, error) {
	var list corev1.PodList
	err := r.API.Query(ctx, kube.Pods, namespace, url.Values{"labelSelector": {selector}}, &list)
	if kube.NotFound(err) {
		err = nil
	}
	return list.Items, err
}

// podTrouble is why a pod does not run, nil if nothing is known to be wrong.
func podTrouble(p corev1.Pod) *trouble {
	name := "pod " + p.Namespace + "/" + p.Name
	describe := fmt.Sprintf("oc -n %s describe pod %s", p.Namespace, p.Name)
	c := conditionOf(conditions(p.Status.Conditions), string(corev1.PodScheduled))
	if c.Status == "False" && c.Reason == corev1.PodReasonUnschedulable {
		return &trouble{
			fault: fault{"unschedulable", name + ": " + c.String(), placeNext(c.Message)},
			kind:  "unschedulable", last: lasting,
		}
	}
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		w := s.State.Waiting
		if w == nil {
			continue
		}
		cause := fmt.Sprintf("%s: container %s waits: %s: %s", name, s.Name, w.Reason, kube.OneLine(w.Message))
		switch w.Reason {
		case "InvalidImageName", "ErrImageNeverPull":
			return &trouble{fault: fault{"image " + s.Image + " cannot be pulled", cause, imageNext(s.Image, w.Message)}}
		case "ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable":
			return &trouble{
				fault: fault{"image " + s.Image + " cannot be pulled", cause, imageNext(s.Image, w.Message)},
				kind:  "image", last: lasting,
			}
		case "CrashLoopBackOff":
			if t := s.LastTerminationState.Terminated; t != nil {
				cause += fmt.Sprintf("; it ended with code %d %s %s", t.ExitCode, t.Reason, kube.OneLine(t.Message))
			}
			next := fmt.Sprintf("oc -n %s logs %s -c %s --previous", p.Namespace, p.Name, s.Name)
			return &trouble{fault: fault{"container " + s.Name + " keeps crashing", cause, next}, kind: "crash", last: lasting}
		case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
			return &trouble{
				fault: fault{"container " + s.Name + " cannot be started", cause, describe}, kind: "container", last: lasting,
			}
		}
	}
	if p.Status.Phase == corev1.PodFailed && p.DeletionTimestamp == nil {
		return &trouble{
			fault: fault{"its pod failed", name + ": " + p.Status.Reason + " " + kube.OneLine(p.Status.Message), describe},
			kind:  "failed", last: lasting,
		}
	}
	return nil
}

// placeNext is what to do when the scheduler finds no node.
func placeNext(message string) string {
	switch {
	case strings.Contains(message, kvmDevice):
		return nested
	case strings.Contains(message, "devices.kubevirt.io/"):
		return "see that virt-handler is ready on the nodes, and that they have the kernel modules tun and vhost_net"
	case strings.Contains(message, "Insufficient memory"):
		return "free memory on the nodes, or test with a smaller guest (--memory)"
	case strings.Contains(message, "Insufficient"):
		return "free that resource on the nodes (oc describe nodes), or add nodes"
	case strings.Contains(message, "affinity"), strings.Contains(message, "selector"):
		return "compare the pod's node selector with the labels of the nodes: CPU model and features come from the VM and " +
			"from the KubeVirt configuration"
	}
	return "oc describe nodes"
}

// imageNext is what to do about an image that cannot be pulled.
func imageNext(image, message string) string {
	m := strings.ToLower(message)
	has := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(m, t) })
	}
	switch {
	case has("unauthorized", "denied", "authentication required"):
		return "give the cluster a login for the registry of " + image + " (pull secret), or name another image with --image"
	case has("x509", "certificate"):
		return "let the nodes trust the registry's certificate (additionalTrustBundle of the cluster's image configuration)"
	case has("manifest unknown", "not found"):
		return "check the name and tag of " + image + ", and whether the mirror has it; --image names another one"
	case has("no such host", "i/o timeout", "connection refused", "no route", "deadline exceeded"):
		return "see that the nodes reach the registry, or name an image of a mirror that they reach with --image"
	}
	return "see that the nodes can pull " + image + ", or name another image with --image"
}

// warning is the newest event of level Warning about one of the named objects, empty without one.
func (r *run) warning(ctx context.Context, names ...string) string {
	var list corev1.EventList
	if err := r.API.List(ctx, kube.Events, r.namespace, &list); err != nil {
		return ""
	}
	var newest corev1.Event
	var at time.Time
	for _, e := range list.Items {
		when := e.LastTimestamp.Time
		if when.IsZero() {
			when = e.EventTime.Time
		}
		about := slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(e.InvolvedObject.Name, n) })
		if e.Type == corev1.EventTypeWarning && about && !when.Before(at) {
			newest, at = e, when
		}
	}
	if newest.Reason == "" {
		return ""
	}
	return fmt.Sprintf("event of %s %s: %s: %s%s", newest.InvolvedObject.Kind, newest.InvolvedObject.Name, newest.Reason,
		kube.OneLine(newest.Message), kube.Since(at))
}

// explain adds the newest warning to a fault that does not say it.
func (r *run) explain(ctx context.Context, f *fault, names ...string) *fault {
	if text := r.warning(ctx, names...); text != "" && !strings.Contains(f.cause, text) {
		f.cause += "; " + text
	}
	return f
}
