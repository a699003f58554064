package proof

import (
	"context"
	_ "embed" // the script

	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/kube"
)

// hostScript looks for hardware virtualization.
//
//go:embed hosts.sh
var hostScript string

// hostTime is how long the pods that ask the nodes may take.
const hostTime = 2 * time.Minute

// Host is what a node can do about VMs in hardware.
type Host struct {
	Node      string
	KVM       bool   // it has /dev/kvm
	Extension bool   // its processor has VT-x or AMD-V
	Guest     bool   // it is a VM itself
	Model     string // of its processor
}

// Why says in words why a host has no KVM, empty if it has.
func (h Host) Why() string {
	switch {
	case h.KVM:
		return ""
	case h.Extension:
		return "its processor (" + h.Model + ") can virtualize, but its kernel has not loaded kvm_intel or kvm_amd"
	case h.Guest:
		return "it is a VM, and its hypervisor hands no VT-x or AMD-V through (" + h.Model + "): nested virtualization is off"
	}
	return "its processor (" + h.Model + ") has no VT-x or AMD-V, or the firmware has switched it off"
}

// parseHost reads what the script has written.
func parseHost(text string) (Host, error) {
	before, model, found := strings.Cut(strings.TrimSpace(text), " model=")
	if !found {
		return Host{}, fmt.Errorf("%q is not what the pod writes", printable(text))
	}
	h := Host{Model: printable(model)}
	known := map[string]*bool{"kvm": &h.KVM, "extension": &h.Extension, "guest": &h.Guest}
	for _, word := range strings.Fields(before) {
		key, value, _ := strings.Cut(word, "=")
		into := known[key]
		if into == nil || value != "0" && value != "1" {
			return Host{}, fmt.Errorf("%q is not what the pod writes", printable(text))
		}
		*into = value == "1"
		delete(known, key)
	}
	if len(known) > 0 {
		return Host{}, errors.New("the pod has not written everything")
	}
	return h, nil
}

// Hosts asks nodes what they can do, before KubeVirt is there: by a pod on each, in a namespace that is removed again.
// Without an image, that of the cluster's own command line client is taken.
func (t Test) Hosts(ctx context.Context, nodes []string, image string) ([]Host, error) {
	r := t.run()
	if image == "" {
		var err error
		if image, err = r.clientImage(ctx); err != nil {
			return nil, err
		}
	}
	if f := r.makeNamespace(ctx); f != nil {
		return nil, errors.Join(f.err(), r.removed(ctx))
	}
	stop := r.keepAlive(ctx)
	hosts, f := r.askHosts(ctx, nodes, image)
	stop()
	return hosts, errors.Join(f.err(), r.removed(ctx))
}

// removed removes the namespace of the run; the error is nil if it is gone or going.
func (r *run) removed(ctx context.Context) error {
	if o := r.cleanUp(ctx); o.status == Failed {
		return (&fault{o.reason, o.cause, o.next}).err()
	}
	return nil
}

var imageStreams = kube.Kind{Group: "image.openshift.io", Version: "v1", Plural: "imagestreams"}

// clientImage is the release's image with the command line client.
func (r *run) clientImage(ctx context.Context) (string, error) {
	var stream struct {
		Status struct {
			Tags []struct {
				Items []struct{ DockerImageReference string }
			}
		}
	}
	err := r.API.Get(ctx, imageStreams.Ref("openshift", "cli"), &stream)
	if err != nil {
		return "", fmt.Errorf("find the image of the command line client: %s", kube.Cause(err))
	}
	for _, tag := range stream.Status.Tags {
		for _, item := range tag.Items {
			if item.DockerImageReference != "" {
				return item.DockerImageReference, nil
			}
		}
	}
	return "", errors.New("find the image of the command line client: imagestreams openshift/cli has no image yet")
}

// hosts explains why nodes offer no KVM.
func (r *run) hosts(ctx context.Context) outcome {
	switch {
	case len(r.facts.bare) == 0:
		return skipped("all nodes that take VMs offer KVM")
	case r.facts.emulation:
		return skipped("software emulation is allowed: the nodes were not asked")
	case r.facts.image == "" && r.Options.ProbeImage == "":
		return skipped("there is no image to ask the nodes with; name one with --probe-image")
	}
	image := r.Options.ProbeImage
	if image == "" {
		image = r.facts.image
	}
	hosts, f := r.askHosts(ctx, r.facts.bare, image)
	if f != nil {
		return under(ctx, f, "the nodes without KVM were not asked")
	}
	var why []string
	for _, h := range hosts {
		text := h.Why()
		if text == "" {
			text = "its kernel has KVM, but virt-handler does not offer it: look at its log"
			if !h.Extension {
				text += "; its processor (" + h.Model + ") shows neither VT-x nor AMD-V, so that KVM may not work"
			}
		}
		why = append(why, "node "+h.Node+": "+text)
	}
	return failed(and(r.facts.bare)+" cannot run VMs in hardware", strings.Join(why, "; "), nested)
}

// askHosts runs the pods.
func (r *run) askHosts(ctx context.Context, nodes []string, image string) ([]Host, *fault) {
	for _, n := range nodes {
		if f := r.create(ctx, kube.Pods, hostPod(n), func() any { return r.hostProbe(n, image) }); f != nil {
			return nil, f
		}
	}
	var out []Host
	for _, n := range nodes {
		var h Host
		f := r.until(ctx, hostTime, Hosts, func(ctx context.Context) (got seen, err error) {
			end, got, err := r.lookPod(ctx, hostPod(n))
			if err != nil || got.missing != "" {
				return got, err
			}
			if h, err = parseHost(end.Message); err != nil {
				return broken("the pod on node "+n+" failed", fmt.Sprintf("code %d: %v", end.ExitCode, err),
					"name an image with bash with --probe-image"), nil
			}
			return seen{}, nil
		})
		if f != nil {
			return out, f
		}
		h.Node = n
		out = append(out, h)
	}
	return out, nil
}

// hostPod is the name of the pod that asks a node.
func hostPod(node string) string { return "host-" + node }

// hostProbe runs on its node whatever keeps others away. It is privileged because SELinux hides the node's devices from
// others; it only looks at them.
func (r *run) hostProbe(node, image string) *corev1.Pod {
	const devices = "devices"
	pod := r.pod(hostPod(node), image, "bash", "-c", hostScript)
	pod.Spec.NodeName = node
	pod.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	pod.Spec.Volumes = []corev1.Volume{{Name: devices, VolumeSource: corev1.VolumeSource{
		HostPath: &corev1.HostPathVolumeSource{Path: "/dev"}}}}
	yes := true
	c := &pod.Spec.Containers[0]
	c.SecurityContext = &corev1.SecurityContext{Privileged: &yes}
	c.VolumeMounts = []corev1.VolumeMount{{Name: devices, MountPath: "/host/dev", ReadOnly: true}}
	return pod
}
