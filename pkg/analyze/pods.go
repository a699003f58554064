package analyze

import (
	"fmt"
	"slices"
	"strings"
)

// stuck are reasons for which a container waits and will go on waiting.
var stuck = []string{
	"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CrashLoopBackOff",
	"CreateContainerConfigError", "CreateContainerError", "RunContainerError",
}

// maxPods bounds the pods that are named: one cause breaks many.
const maxPods = 5

// podsStuck tells of the platform's pods that do not start. One finding stands
// for all pods that wait for the same reason.
func podsStuck(s *scene) []Finding {
	type group struct {
		Finding
		pods []string
	}
	var groups []*group
	for _, p := range s.pods {
		if !strings.HasPrefix(p.Metadata.Namespace, "openshift") && !strings.HasPrefix(p.Metadata.Namespace, "kube-") {
			continue
		}
		text, next := p.trouble()
		if text == "" {
			continue
		}
		name := p.Metadata.Namespace + "/" + p.Metadata.Name
		i := slices.IndexFunc(groups, func(g *group) bool { return g.Text == text })
		if i < 0 {
			f := Finding{Severity: s.podSeverity(text), Where: "pods", Text: text, Next: next}
			groups = append(groups, &group{Finding: f})
			i = len(groups) - 1
		}
		groups[i].pods = append(groups[i].pods, name)
	}
	var out []Finding
	for _, g := range groups {
		names := strings.Join(g.pods[:min(len(g.pods), maxPods)], ", ")
		if more := len(g.pods) - maxPods; more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		g.Text = names + ": " + g.Text
		if out = append(out, g.Finding); len(out) >= 2*maxPods {
			break
		}
	}
	return out
}

// podSeverity: pods come and go while masters take over, but an image that
// cannot be pulled does not get better.
func (s *scene) podSeverity(text string) Severity {
	switch {
	case s.complete():
		return Info
	case strings.HasPrefix(text, "ImagePull"), strings.HasPrefix(text, "ErrImagePull"),
		strings.HasPrefix(text, "InvalidImage"):
		return Error
	}
	return Warning
}

// trouble is why a pod does not start, empty if it does.
func (p pod) trouble() (text, next string) {
	for _, c := range slices.Concat(p.Status.Init, p.Status.Containers) {
		w := c.State.Waiting
		if !slices.Contains(stuck, w.Reason) {
			continue
		}
		if w.Reason == "CrashLoopBackOff" {
			return fmt.Sprintf("container %s ends again and again, last with code %d %s", c.Name,
					c.Last.Terminated.ExitCode, c.Last.Terminated.Reason),
				fmt.Sprintf("oc -n %s logs %s -c %s --previous", p.Metadata.Namespace, p.Metadata.Name, c.Name)
		}
		text = w.Reason + " " + c.Image
		if w.Message != "" {
			text += ": " + w.Message
		}
		return text, hint(w.Message, fmt.Sprintf("oc -n %s describe pod %s", p.Metadata.Namespace, p.Metadata.Name))
	}
	if c := p.Status.Conditions.get("PodScheduled"); p.Status.Phase == "Pending" && c.is("False") {
		return "cannot be scheduled: " + c.why(), "give the cluster nodes that fit: oc get nodes; oc describe node NAME"
	}
	return "", ""
}
