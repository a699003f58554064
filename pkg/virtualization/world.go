package virtualization

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/kube"
)

// world is the cluster as the table of kinds looks at it.
type world struct {
	api *kube.Client
	// objects are all that is deployed, for kinds that depend on others.
	objects []object
}

// ref names an object. The error is a *kube.NoKind if its kind is not served.
func (w *world) ref(ctx context.Context, o object) (kube.Ref, error) {
	r, err := w.api.Find(ctx, o.apiVersion(), o.kind())
	if err != nil {
		return kube.Ref{}, err
	}
	return r.Object(o.namespace(), o.name()), nil
}

// read gets an object by its name, nil if it or its kind does not exist.
func (w *world) read(ctx context.Context, apiVersion, kind, namespace, name string) (object, error) {
	r, err := w.api.Find(ctx, apiVersion, kind)
	if noKind(err) {
		return nil, nil //nolint:nilnil // absence is an answer
	}
	if err != nil {
		return nil, err
	}
	var o object
	switch err := w.api.Get(ctx, r.Object(namespace, name), &o); {
	case kube.NotFound(err):
		return nil, nil //nolint:nilnil // see above
	case err != nil:
		return nil, err
	}
	return o, nil
}

// live reads the cluster's version of an object.
func (w *world) live(ctx context.Context, o object) (object, error) {
	return w.read(ctx, o.apiVersion(), o.kind(), o.namespace(), o.name())
}

// all lists objects of a kind in a namespace, or everywhere; none if there is no such kind.
func (w *world) all(ctx context.Context, apiVersion, kind, namespace, selector string) ([]object, error) {
	r, err := w.api.Find(ctx, apiVersion, kind)
	if noKind(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var query url.Values
	if selector != "" {
		query = url.Values{"labelSelector": {selector}}
	}
	var list object
	switch err := w.api.Query(ctx, r.Kind, namespace, query, &list); {
	case kube.NotFound(err): // it was served a moment ago
		return nil, nil
	case err != nil:
		return nil, err
	}
	items := list.list("items")
	for _, o := range items { // lists leave these out
		o["apiVersion"], o["kind"] = apiVersion, kind
	}
	slices.SortFunc(items, func(a, b object) int { return strings.Compare(a.String(), b.String()) })
	return items, nil
}

func noKind(err error) bool {
	var none *kube.NoKind
	return errors.As(err, &none)
}

// of are the objects of a kind that are deployed.
func (w *world) of(group, kind string) (out []object) {
	for _, o := range w.objects {
		if o.group() == group && o.kind() == kind {
			out = append(out, o)
		}
	}
	return out
}

// pods looks for pods that do not start, and why. It prefers a reason that does not mend itself.
func (w *world) pods(ctx context.Context, namespace, selector, next string) (waits string, err error) {
	list, err := w.all(ctx, "v1", "Pod", namespace, selector)
	if err != nil {
		return "", err
	}
	for _, p := range list {
		text, err := podTrouble(p, next)
		if err != nil {
			return "", err
		}
		if waits == "" {
			waits = text
		}
	}
	return waits, nil
}

// podTrouble says why a pod does not run, empty if it does or is only starting.
func podTrouble(p object, next string) (string, error) {
	var containers []object
	for _, list := range []string{"initContainerStatuses", "containerStatuses"} {
		containers = append(containers, p.list("status", list)...)
	}
	for _, c := range containers {
		waiting := c.part("state", "waiting")
		switch reason := waiting.text("reason"); reason {
		case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull":
			return "", stuckFor(briefly, next, "image %s of %s cannot be pulled%s", c.text("image"), p,
				pullMessage(waiting.text("message")))
		case "CrashLoopBackOff":
			text := fmt.Sprintf("container %s of %s crashes again and again", c.text("name"), p)
			if last := c.text("lastState", "terminated", "message"); last != "" {
				text += ": " + kube.OneLine(last)
			}
			return text, nil
		case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
			return fmt.Sprintf("container %s of %s does not start (%s): %s", c.text("name"), p, reason,
				kube.OneLine(waiting.text("message"))), nil
		}
	}
	if c := p.condition("PodScheduled"); c.is("False") {
		return fmt.Sprintf("no node takes %s: %s", p, c), nil
	}
	return "", nil
}

// pullMessage is the runtime's words, without those that only say that it waits before the next try.
func pullMessage(text string) string {
	if text == "" || strings.HasPrefix(text, "Back-off") && !strings.Contains(text, ": ") {
		return ""
	}
	if _, cause, found := strings.Cut(text, ": "); found && strings.HasPrefix(text, "Back-off") {
		text = cause
	}
	return ": " + kube.OneLine(text)
}

// deployment says why a Deployment is not available, empty if it is.
func (w *world) deployment(ctx context.Context, namespace, name, next string) (string, error) {
	o, err := w.read(ctx, "apps/v1", "Deployment", namespace, name)
	switch {
	case err != nil:
		return "", err
	case o == nil:
		return "Deployment " + namespace + "/" + name + " does not exist yet", nil
	}
	c := o.condition("Available")
	if c.is("True") && !o.stale() {
		return "", nil
	}
	var selector []string
	for k, v := range o.part("spec", "selector", "matchLabels") {
		selector = append(selector, fmt.Sprintf("%s=%v", k, v))
	}
	slices.Sort(selector)
	text := o.String() + ": " + c.String()
	if len(selector) == 0 {
		return text, nil
	}
	why, err := w.pods(ctx, namespace, strings.Join(selector, ","), next)
	if err != nil {
		return "", within(o.String()+" is not available", err)
	}
	if why != "" {
		text += "; " + why
	}
	return text, nil
}

// served reports whether the API has a kind.
func (w *world) served(ctx context.Context, apiVersion, kind string) (bool, error) {
	_, err := w.api.Find(ctx, apiVersion, kind)
	if noKind(err) {
		return false, nil
	}
	return err == nil, err
}
