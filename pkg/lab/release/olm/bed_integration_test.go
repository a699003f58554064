//go:build integration

package olm

import (
	"context"
	"crypto/tls"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/images"
	"github.com/okd-install/okd-install/pkg/lab/release/crds"
	kit "github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/bundle"
	"github.com/okd-install/okd-install/pkg/pki"
)

const (
	netnsVariable = "OKD_TEST_NETNS"
	address       = "198.18.0.100"
	token         = "test"
)

// reexec runs a test in a network namespace of its own, with one address.
func reexec(t *testing.T) bool {
	t.Helper()
	if os.Getenv(netnsVariable) == "" {
		cmd := exec.Command("unshare", "--net", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), netnsVariable+"=1")
		out, err := cmd.CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Fatal(err)
		}
		return false
	}
	for _, args := range [][]string{{"link", "set", "lo", "up"}, {"addr", "add", address + "/24", "dev", "lo"}} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	return true
}

// programs are those of the lab's cache, or others that the environment names.
func programs(t *testing.T) images.Programs {
	t.Helper()
	p := images.Programs{
		Hyperkube: os.Getenv("OKD_TEST_HYPERKUBE"), Etcd: os.Getenv("OKD_TEST_ETCD"), OPM: os.Getenv("OKD_TEST_OPM"),
	}
	if p.Hyperkube != "" && p.Etcd != "" && p.OPM != "" {
		return p
	}
	cache := os.Getenv("OKD_LAB_CACHE")
	if cache == "" {
		cache = "/var/cache/okd-lab"
	}
	p, err := images.Binaries(t.Context(), "../../../..", cache, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// run starts a program that ends with the test.
func run(t *testing.T, program, name string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Args[0] = name
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("end of %s:\n%s", log.Name(), text[max(0, len(text)-3000):])
		}
	})
}

// bed is an API server with the controllers for deployments and jobs. The test plays
// the kubelet.
type bed struct {
	*testing.T
	kit      *kit.Client
	bundles  map[string]fs.FS // by image; others cannot be pulled
	notReady atomic.Value     // string: the container that does not become ready
}

func newBed(t *testing.T, p images.Programs) *bed {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	now := time.Now()
	front, err := certs.NewAuthority(now, pki.Name{Common: "front"}, pki.Day)
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := certs.Issue(front, now, pki.Leaf{Name: pki.Name{Common: "proxy"}, Usage: pki.Client, Life: pki.Day})
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	account := write("account.key", pki.EncodeKey(key))
	run(t, p.Etcd, "etcd", "--data-dir="+filepath.Join(dir, "etcd"), "--unsafe-no-fsync",
		"--listen-peer-urls=http://127.0.0.1:2380")
	run(t, p.Hyperkube, "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379",
		"--cert-dir="+filepath.Join(dir, "serving"),
		"--advertise-address="+address, "--service-cluster-ip-range=198.19.128.0/17", "--authorization-mode=RBAC",
		"--token-auth-file="+write("tokens", []byte(token+",admin,admin,system:masters\n")),
		"--service-account-issuer=https://test", "--service-account-key-file="+account,
		"--service-account-signing-key-file="+account, "--enable-aggregator-routing",
		"--requestheader-client-ca-file="+write("front.crt", front.Cert), "--requestheader-allowed-names=proxy",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file="+write("proxy.crt", proxy.Cert), "--proxy-client-key-file="+write("proxy.key", proxy.Key))
	config := &rest.Config{
		Host: "https://127.0.0.1:6443", BearerToken: token, TLSClientConfig: rest.TLSClientConfig{Insecure: true},
		Timeout: 20 * time.Second,
	}
	client, err := kit.New("test", config)
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{T: t, kit: client, bundles: map[string]fs.FS{}}
	b.eventually("the API", func() string { return text(ready(t.Context())) })
	run(t, p.Hyperkube, "kube-controller-manager", "--kubeconfig="+write("kubeconfig", []byte(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: `+token+`}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
`)), "--leader-elect=false", "--controllers=deployment-controller,replicaset-controller,job-controller,"+
		"garbage-collector-controller,serviceaccount-controller,namespace-controller", "--concurrent-gc-syncs=2")
	for _, k := range crds.All() {
		if k.Group == group || k.Kind == "OperatorHub" || k.Kind == "ClusterOperator" {
			data, err := k.Manifest()
			if err != nil {
				t.Fatal(err)
			}
			b.apply(string(data))
		}
	}
	return b
}

func ready(ctx context.Context) error {
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://127.0.0.1:6443/readyz", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("readyz: %s", resp.Status)
	}
	return nil
}

func text(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

// eventually waits until look returns nothing.
func (b *bed) eventually(what string, look func() string) {
	b.Helper()
	missing := ""
	for end := time.Now().Add(4 * time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if missing = look(); missing == "" {
			return
		}
	}
	b.Fatalf("wait for %s: %s", what, missing)
}

// apply brings objects to the server, as soon as it knows their kinds.
func (b *bed) apply(manifest string) {
	b.Helper()
	objects, err := kit.Decode([]byte(manifest))
	if err != nil {
		b.Fatal(err)
	}
	for _, o := range objects {
		b.eventually("apply", func() string { return text(b.kit.ApplyObject(b.Context(), o)) })
	}
}

// kubelet runs every pod at once, and unpacks bundles.
func (b *bed) kubelet(ctx context.Context) {
	for ctx.Err() == nil {
		time.Sleep(200 * time.Millisecond)
		pods, err := list[corev1.Pod](ctx, b.kit, kube.Pods, "")
		if err != nil {
			continue
		}
		for i := range pods {
			p := &pods[i]
			if p.Status.Phase == corev1.PodSucceeded || p.DeletionTimestamp != nil {
				if p.DeletionTimestamp != nil {
					_ = b.kit.Delete(ctx, kube.Pods.Ref(p.Namespace, p.Name)) // it may be gone
				}
				continue
			}
			if err := b.pod(ctx, p); err != nil && !apierrors.IsConflict(err) && ctx.Err() == nil {
				b.Logf("pod %s: %v", p.Name, err)
			}
		}
	}
}

func (b *bed) pod(ctx context.Context, p *corev1.Pod) error {
	before := p.Status.DeepCopy()
	condition := corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue,
		LastTransitionTime: metav1.NewTime(time.Now().Add(-time.Minute))}
	p.Status.Phase = corev1.PodRunning
	switch name := p.Labels[bundle.Reference]; {
	case name != "":
		image := p.Spec.InitContainers[1].Image
		if b.bundles[image] == nil {
			p.Status.Phase, condition.Status = corev1.PodPending, corev1.ConditionFalse
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "pull", Image: image,
				State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull"}}}}
			break
		}
		if err := b.extract(ctx, p.Namespace, name, b.bundles[image]); err != nil {
			return err
		}
		p.Status.Phase, condition.Status = corev1.PodSucceeded, corev1.ConditionFalse
	case b.notReady.Load() == p.Spec.Containers[0].Name:
		condition.Status = corev1.ConditionFalse
	}
	if before.Phase == p.Status.Phase && len(before.Conditions) > 0 && before.Conditions[0].Status == condition.Status {
		return nil
	}
	p.Status.Conditions = []corev1.PodCondition{condition}
	return b.kit.Update(ctx, kube.Pods.Ref(p.Namespace, p.Name), "status", p)
}

// extract is what the job's containers do.
func (b *bed) extract(ctx context.Context, namespace, name string, manifests fs.FS) error {
	root := fstest.MapFS{"metadata/annotations.yaml": &fstest.MapFile{Data: []byte("annotations: {}\n")}}
	entries, err := fs.ReadDir(manifests, ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		data, err := fs.ReadFile(manifests, e.Name())
		if err != nil {
			return err
		}
		root["manifests/"+e.Name()] = &fstest.MapFile{Data: data}
	}
	ref := kube.ConfigMaps.Ref(namespace, name)
	var cm corev1.ConfigMap
	if err := b.kit.Get(ctx, ref, &cm); err != nil {
		return err
	}
	if err := bundle.Pack(root, &cm); err != nil {
		return err
	}
	return b.kit.Update(ctx, ref, "", &cm)
}
