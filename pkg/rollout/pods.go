package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/kube"
)

// stuck are the reasons for which containers wait and will not go on by
// themselves.
var stuck = []string{"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CrashLoopBackOff", "CreateContainerConfigError", "CreateContainerError"}

// StuckPods says which pods do not start, and why: one line for each reason and
// namespace, however many pods it keeps.
func (w *Watcher) StuckPods(ctx context.Context) ([]string, error) {
	var list corev1.PodList
	if err := w.API.List(ctx, kube.Pods, "", &list); err != nil {
		return nil, err
	}
	count := map[string]int{}
	example := map[string]string{}
	for _, p := range list.Items {
		reason, message := whyStuck(p)
		if reason == "" {
			continue
		}
		key := p.Namespace + " " + reason
		if count[key]++; count[key] == 1 {
			example[key] = fmt.Sprintf("pod %s/%s does not start: %s", p.Namespace, p.Name, reason)
			if message != "" {
				example[key] += ": " + strings.ReplaceAll(strings.TrimSpace(message), "\n", "; ")
			}
		}
	}
	var out []string
	for key, text := range example {
		if n := count[key]; n > 1 {
			text += fmt.Sprintf(" (and %d more there)", n-1)
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return out, nil
}

func whyStuck(p corev1.Pod) (reason, message string) {
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if s.State.Waiting != nil && slices.Contains(stuck, s.State.Waiting.Reason) {
			return s.State.Waiting.Reason, s.State.Waiting.Message
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return c.Reason, c.Message
		}
	}
	return "", ""
}
