package proof

import (
	"context"
	_ "embed" // the script

	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	virtv1 "kubevirt.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/kube"
)

const (
	probeName   = "proof-probe"
	serviceName = "proof"
	reachTime   = 3 * time.Minute
)

// probeScript connects to every address of its arguments by TCP, again and again, and says what answered.
//
//go:embed probe.sh
var probeScript string

// codes of the pod. Those of the container runtime and of shells that miss the program are theirs.
const (
	unreached     = 3
	notExecutable = 126
	notFound      = 127
	notStarted    = 128
)

// reach connects from a pod to the guest: to the address of its pod, behind which masquerade puts it, and to a service.
func (r *run) reach(ctx context.Context) outcome {
	image, why := r.probeImage(ctx)
	if image == "" {
		return skipped("%s", why)
	}
	if f := r.create(ctx, services, serviceName, func() any { return r.service() }); f != nil {
		return under(ctx, f, "no service was made")
	}
	var targets []string
	f := r.until(ctx, decideTime, Reachability, func(ctx context.Context) (got seen, err error) {
		targets, got, err = r.targets(ctx)
		return got, err
	})
	if f != nil {
		return under(ctx, f, "the VM has no address")
	}
	if f := r.create(ctx, kube.Pods, probeName, func() any { return r.probe(image, targets) }); f != nil {
		return under(ctx, f, "no pod was made")
	}
	var end corev1.ContainerStateTerminated
	f = r.until(ctx, r.reachBudget()+time.Minute, Reachability, func(ctx context.Context) (got seen, err error) {
		end, got, err = r.lookPod(ctx, probeName)
		return got, err
	})
	switch said := lastLine(end.Message); {
	case f != nil && r.Options.ProbeImage == "" && strings.Contains(f.reason, "cannot be started"):
		return skipped("image %s has not what connecting takes: %s; name one that has bash and coreutils with --probe-image",
			image, f.cause)
	case f != nil:
		return under(ctx, f, "the pod that connects to the VM does not run")
	case end.ExitCode == 0:
		return passed("a pod connected to the guest: %s", said)
	case end.ExitCode == unreached:
		return failed("a pod does not reach port "+r.ports(" or ")+" of the guest", said,
			"see that the guest listens there (--guest-port names another port), and that no network policy forbids it")
	case end.ExitCode >= notExecutable && end.ExitCode <= notStarted:
		return skipped("image %s has not what connecting takes: %s; name one that has bash and coreutils with --probe-image",
			image, said)
	default:
		return failed("the pod that connects to the VM failed", fmt.Sprintf("code %d %s: %s", end.ExitCode, end.Reason, said),
			"name an image with bash with --probe-image")
	}
}

func (r *run) reachBudget() time.Duration {
	if r.facts.emulation || r.Options.Timeout > 0 {
		return r.budget()
	}
	return reachTime
}

// probeImage is that of the VM's own pod, unless the user names one: the nodes have it, and it has bash.
func (r *run) probeImage(ctx context.Context) (image, why string) {
	if r.Options.ProbeImage != "" {
		return r.Options.ProbeImage, ""
	}
	var pods []corev1.Pod
	f := r.ask(ctx, "read the pod of the VM", func(ctx context.Context) (err error) {
		pods, err = r.pods(ctx, r.namespace, virtv1.AppLabel+"=virt-launcher,"+testLabel+"="+r.id)
		return err
	})
	if f != nil {
		return "", "the pod of the VM was not read: " + f.Error()
	}
	for _, p := range pods {
		for _, c := range p.Spec.Containers {
			if c.Name == "compute" {
				return c.Image, ""
			}
		}
	}
	return "", "there is no image to connect with: the VM has no pod with a container compute; name one with --probe-image"
}

// ports are those of the guest as text.
func (r *run) ports(between string) string {
	list := make([]string, len(r.Options.Ports))
	for i, p := range r.Options.Ports {
		list[i] = strconv.Itoa(p)
	}
	return strings.Join(list, between)
}

func (r *run) service() *corev1.Service {
	var list []corev1.ServicePort
	for _, p := range r.Options.Ports {
		list = append(list, corev1.ServicePort{Name: "port-" + strconv.Itoa(p), Port: int32(p),
			TargetPort: intstr.FromInt(p)})
	}
	return &corev1.Service{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: r.meta(serviceName),
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{virtv1.AppLabel: "virt-launcher", testLabel: r.id},
			Ports:    list,
		},
	}
}

// targets are the VM's address and that of its service.
func (r *run) targets(ctx context.Context) ([]string, seen, error) {
	vmi, err := r.instance(ctx)
	if err != nil {
		return nil, seen{}, err
	}
	var svc corev1.Service
	err = r.API.Get(ctx, services.Ref(r.namespace, serviceName), &svc)
	if err != nil {
		return nil, seen{}, err
	}
	pods, err := r.pods(ctx, r.namespace, virtv1.AppLabel+"=virt-launcher,"+testLabel+"="+r.id)
	if err != nil {
		return nil, seen{}, err
	}
	left := slices.DeleteFunc(pods, func(p corev1.Pod) bool {
		ended := p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
		return !ended && p.DeletionTimestamp == nil && (vmi.Status.NodeName == "" || p.Spec.NodeName == vmi.Status.NodeName)
	})
	for _, i := range vmi.Status.Interfaces {
		if i.Name != "default" || net.ParseIP(i.IP) == nil {
			continue
		}
		// For a moment after a migration it is still that of the pod which it has left.
		for _, p := range left {
			if p.Status.PodIP == i.IP {
				return nil, seen{missing: "VirtualMachineInstance " + r.namespace + "/" + vmName + " still has the address " +
					i.IP + " of pod " + p.Name + ", which it has left"}, nil
			}
		}
		list := []string{i.IP}
		if net.ParseIP(svc.Spec.ClusterIP) != nil {
			list = append(list, svc.Spec.ClusterIP)
		}
		return list, seen{}, nil
	}
	return nil, seen{missing: "VirtualMachineInstance " + r.namespace + "/" + vmName + " has no address on its " +
		"interface default"}, nil
}

// probe is the pod, if possible on another node than the VM.
func (r *run) probe(image string, targets []string) *corev1.Pod {
	pod := r.pod(probeName, image, append([]string{"bash", "-c", probeScript, "probe", r.ports(","),
		strconv.Itoa(int(r.reachBudget().Seconds()))}, targets...)...)
	near := corev1.PodAffinityTerm{TopologyKey: "kubernetes.io/hostname", LabelSelector: &metav1.LabelSelector{
		MatchLabels: map[string]string{virtv1.AppLabel: "virt-launcher", testLabel: r.id}}}
	pod.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{
			{Weight: 100, PodAffinityTerm: near}}}}
	return pod
}

// pod runs a command once. The end of what it writes is its message.
func (r *run) pod(name, image string, command ...string) *corev1.Pod {
	no, zero := false, int64(0)
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: r.meta(name),
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, AutomountServiceAccountToken: &no, TerminationGracePeriodSeconds: &zero,
			Containers: []corev1.Container{{
				Name: "probe", Image: image, ImagePullPolicy: corev1.PullIfNotPresent, Command: command,
				Env:                      []corev1.EnvVar{{Name: "MESSAGE", Value: corev1.TerminationMessagePathDefault}},
				TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
				SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: &no,
					Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
			}},
		},
	}
}

// lookPod is how a pod has ended, or what keeps it from that.
func (r *run) lookPod(ctx context.Context, name string) (corev1.ContainerStateTerminated, seen, error) {
	var pod corev1.Pod
	var none corev1.ContainerStateTerminated
	if err := r.API.Get(ctx, kube.Pods.Ref(r.namespace, name), &pod); err != nil {
		return none, seen{}, err
	}
	for _, s := range pod.Status.ContainerStatuses {
		if s.State.Terminated != nil {
			return *s.State.Terminated, seen{}, nil
		}
	}
	text := fmt.Sprintf("pod %s/%s: phase %s%s", r.namespace, name, pod.Status.Phase,
		kube.Since(pod.CreationTimestamp.Time))
	if t := podTrouble(pod); t != nil {
		return none, seen{text + "; " + t.cause, t}, nil
	}
	return none, seen{missing: text}, nil
}
