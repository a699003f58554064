//go:build integration

package controlplane_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/release/etcd"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
)

// node runs static pods as processes: what a kubelet and a container runtime
// do, as far as the programs under test can tell.
type node struct {
	t      *testing.T
	name   string // empty on the bootstrap host, whose kubelet knows no API
	ip     string
	dir    string            // stands for the node's root
	bins   map[string]string // container path of a program to its path here
	health string            // port of etcd's health listener
	fake   map[string]bool   // programs that are taken to run
	api    access

	mu      sync.Mutex
	running map[string]*process // by manifest path
}

type process struct {
	stop context.CancelFunc
	done chan struct{}
}

func (n *node) path(p string) string { return filepath.Join(n.dir, p) }

// localize maps paths and listen addresses of a manifest to this node. Every
// node has its own address in the one network namespace of the test.
func (n *node) localize(text string) string {
	text = strings.NewReplacer(
		"https://0.0.0.0:2379", n.clientListeners(),
		"https://0.0.0.0:2380", "https://"+n.ip+":2380",
		"https://localhost:2379", "https://"+n.local()+":2379",
		"0.0.0.0", n.bind(),
		"http://127.0.0.1:9981", "http://127.0.0.1:"+n.health,
		"/var/lib/etcd", n.path("/var/lib/etcd"),
		"/etc/etcd/", n.path("/etc/etcd")+"/",
	).Replace(text)
	return strings.ReplaceAll(text, "/etc/kubernetes/", n.path("/etc/kubernetes")+"/")
}

func (n *node) clientListeners() string {
	if n.name == "" {
		return "https://" + n.ip + ":2379,https://127.0.0.1:2379"
	}
	return "https://" + n.ip + ":2379"
}

// bind is what programs on the node listen on. On the bootstrap host that must
// be localhost, where cluster-bootstrap looks.
func (n *node) bind() string {
	if n.name == "" {
		return "127.0.0.1"
	}
	return n.ip
}

// local is where clients on the node itself find its etcd. Only one node can
// have localhost.
func (n *node) local() string {
	if n.name == "" {
		return "127.0.0.1"
	}
	return n.ip
}

// run watches the manifest directory until ctx ends.
func (n *node) run(ctx context.Context) {
	n.running = map[string]*process{}
	defer n.stopAll()
	for ctx.Err() == nil {
		seen := map[string]bool{}
		entries, _ := os.ReadDir(n.path("/etc/kubernetes/manifests"))
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), ".") {
				continue
			}
			path := n.path("/etc/kubernetes/manifests/" + e.Name())
			data, err := os.ReadFile(path)
			if err != nil {
				continue
			}
			key := path + string(data)
			seen[key] = true
			if n.running[key] == nil {
				n.running[key] = n.start(ctx, data)
			}
		}
		for key, p := range n.running {
			if !seen[key] {
				p.stop()
				<-p.done
				delete(n.running, key)
			}
		}
		if n.name != "" {
			n.install(ctx)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (n *node) stopAll() {
	for _, p := range n.running {
		p.stop()
		<-p.done
	}
}

func (n *node) start(ctx context.Context, data []byte) *process {
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict(data, &pod); err != nil {
		n.t.Errorf("manifest on %s: %v", n.name, err)
	}
	ctx, stop := context.WithCancel(ctx)
	p := &process{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		if err := n.runPod(ctx, &pod); err != nil && ctx.Err() == nil {
			n.t.Errorf("pod %s on %q: %v", pod.Name, n.name, err)
		}
	}()
	return p
}

func (n *node) runPod(ctx context.Context, pod *corev1.Pod) error {
	mirror := pod.DeepCopy()
	for _, v := range pod.Spec.Volumes {
		if v.HostPath != nil && v.HostPath.Type != nil {
			if err := os.MkdirAll(n.path(v.HostPath.Path), 0o700); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(n.path("/etc/etcd"), 0o700); err != nil {
		return err
	}
	n.mirror(ctx, mirror, false, len(pod.Spec.InitContainers) > 0)
	for _, c := range pod.Spec.InitContainers {
		if err := etcd.Commands()[1].Run(ctx, n.args(pod, c)); err != nil {
			return fmt.Errorf("discover: %w", err)
		}
		if err := n.rewriteEtcdConfig(); err != nil {
			return err
		}
	}
	c := pod.Spec.Containers[0]
	if n.fake[c.Command[0]] {
		n.mirror(ctx, mirror, true, false)
		<-ctx.Done()
		return nil
	}
	go n.probe(ctx, mirror, c)
	// A crash-looping container is restarted, as the kubelet does.
	for ctx.Err() == nil {
		if err := n.exec(ctx, pod, c); err != nil && ctx.Err() == nil {
			n.t.Logf("%s on %q exited: %v", c.Name, n.name, err)
		}
		if ctx.Err() == nil {
			time.Sleep(time.Second)
		}
	}
	return nil
}

func (n *node) exec(ctx context.Context, pod *corev1.Pod, c corev1.Container) error {
	log, err := os.OpenFile(n.path(c.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, n.bins[c.Command[0]], n.args(pod, c)...)
	cmd.Args[0] = c.Command[0]
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd.Run()
}

// args maps mounted paths first: a revision's directory is mounted elsewhere.
func (n *node) args(pod *corev1.Pod, c corev1.Container) []string {
	hosts := map[string]string{}
	for _, v := range pod.Spec.Volumes {
		if v.HostPath != nil {
			hosts[v.Name] = v.HostPath.Path
		}
	}
	var out []string
	for _, a := range append(c.Command[1:], c.Args...) {
		for _, m := range c.VolumeMounts {
			if h := hosts[m.Name]; h != "" && h != m.MountPath {
				a = strings.ReplaceAll(a, m.MountPath+"/", h+"/")
			}
		}
		out = append(out, n.localize(a))
	}
	n.relocateKubeconfig(out)
	if c.Name == "kube-controller-manager" || c.Name == "kube-scheduler" {
		out = append(out, "--bind-address="+n.bind())
	}
	if c.Name == "etcd" && len(pod.Spec.InitContainers) == 0 {
		out = append(out, "--peer-skip-client-san-verification=true")
	}
	return out
}

// relocateKubeconfig rewrites the kubeconfig of a revision, which names files
// by their path in the container, and the node's own API server.
func (n *node) relocateKubeconfig(args []string) {
	for _, a := range args {
		path, ok := strings.CutPrefix(a, "--kubeconfig=")
		if !ok {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(data), "/etc/kubernetes/static-pod-resources/") ||
			strings.Contains(string(data), n.dir) {
			continue
		}
		base := strings.SplitN(path, "/configmaps/", 2)[0]
		text := strings.ReplaceAll(string(data), "/etc/kubernetes/static-pod-resources", base)
		text = strings.ReplaceAll(text, "server: https://localhost:6443",
			"server: https://"+n.ip+":6443\n    tls-server-name: localhost")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			n.t.Error(err)
		}
	}
}

func (n *node) rewriteEtcdConfig() error {
	path := n.path("/etc/etcd/etcd.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := strings.ReplaceAll(string(data), n.path("/var/lib/etcd"), "/var/lib/etcd")
	// With all nodes in one namespace the kernel picks the destination's address
	// as source, so a member seems to come from another one's.
	text = strings.ReplaceAll(text, "peer-transport-security:",
		"peer-transport-security:\n  skip-client-san-verification: true")
	return os.WriteFile(path, []byte(n.localize(text)), 0o600)
}

// probe asks the readiness probe's address and keeps the mirror pod's state.
func (n *node) probe(ctx context.Context, mirror *corev1.Pod, c corev1.Container) {
	get := c.ReadinessProbe.HTTPGet
	host, port := n.ip, get.Port.String()
	if get.Host == "127.0.0.1" { // which the nodes share here
		host, port = get.Host, n.health
	}
	url := fmt.Sprintf("%s://%s:%s%s", strings.ToLower(string(get.Scheme)), host, port, get.Path)
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // as the kubelet's probes
	}}
	last := false
	for ctx.Err() == nil {
		ready := false
		if resp, err := client.Get(url); err == nil {
			ready = resp.StatusCode == http.StatusOK
			resp.Body.Close()
		}
		if ready != last && n.mirror(ctx, mirror, ready, false) {
			last = ready
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// mirror publishes the pod's state, as a registered kubelet does.
func (n *node) mirror(ctx context.Context, pod *corev1.Pod, ready, initializing bool) bool {
	if n.name == "" {
		return true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	m := pod.DeepCopy()
	m.Name, m.Spec.NodeName = pod.Name+"-"+n.name, n.name
	m.Spec.ServiceAccountName = "default"
	pods := n.api.Kube.CoreV1().Pods(pod.Namespace)
	for ctx.Err() == nil {
		live, err := pods.Get(ctx, m.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			live, err = pods.Create(ctx, m, metav1.CreateOptions{})
		}
		if err == nil {
			live.Status.Phase = corev1.PodRunning
			live.Status.InitContainerStatuses = nil
			if initializing {
				live.Status.Phase = corev1.PodPending
				live.Status.InitContainerStatuses = []corev1.ContainerStatus{{
					Name: "discover", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
				}}
			}
			status := corev1.ConditionFalse
			if ready {
				status = corev1.ConditionTrue
			}
			live.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: status}}
			if _, err = pods.UpdateStatus(ctx, live, metav1.UpdateOptions{}); err == nil {
				return true
			}
		}
		time.Sleep(200 * time.Millisecond)
	}
	return false
}

// install runs installer pods bound to this node.
func (n *node) install(ctx context.Context) {
	list, err := n.api.Kube.CoreV1().Pods("").List(ctx, metav1.ListOptions{LabelSelector: "app=installer"})
	if err != nil {
		return
	}
	for i := range list.Items {
		p := &list.Items[i]
		if p.Spec.NodeName != n.name || p.Status.Phase == corev1.PodSucceeded {
			continue
		}
		args := append([]string{}, p.Spec.Containers[0].Args[1:]...)
		for j := range args {
			args[j] = strings.ReplaceAll(args[j], "/etc/kubernetes/", n.path("/etc/kubernetes")+"/")
		}
		args = append(args, "--kubeconfig="+n.path("kubeconfig"))
		if err := staticpod.InstallerCommand().Run(ctx, args); err != nil {
			n.t.Errorf("installer %s: %v", p.Name, err)
			continue
		}
		p.Status.Phase = corev1.PodSucceeded
		if _, err := n.api.Kube.CoreV1().Pods(p.Namespace).UpdateStatus(ctx, p, metav1.UpdateOptions{}); err != nil {
			n.t.Logf("status of %s: %v", p.Name, err)
		}
	}
}
