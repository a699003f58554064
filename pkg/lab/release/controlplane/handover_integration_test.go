//go:build integration

package controlplane_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/images"
	"github.com/okd-install/okd-install/pkg/lab/release/clusterbootstrap"
	"github.com/okd-install/okd-install/pkg/lab/release/controlplane"
	"github.com/okd-install/okd-install/pkg/lab/release/etcd"
	kit "github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
)

// access is the operators' client, and client-go's for what kubelets do.
type access struct {
	*kit.Client
	Kube kubernetes.Interface
}

const inNamespace = "OKD_TEST_NETNS"

// TestHandOver takes a control plane from the bootstrap host to three masters
// with the real etcd and Kubernetes programs: render, start, apply, install,
// join member by member, hand over, remove the bootstrap member.
func TestHandOver(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		reexec(t)
		return
	}
	for _, args := range [][]string{
		{"link", "set", "lo", "up"},
		{"addr", "add", "198.18.0.100/24", "dev", "lo"}, {"addr", "add", "198.18.0.101/24", "dev", "lo"},
		{"addr", "add", "198.18.0.102/24", "dev", "lo"}, {"addr", "add", "198.18.0.103/24", "dev", "lo"},
		{"addr", "add", "198.18.0.10/24", "dev", "lo"},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	begin := time.Now()
	step := func(what string) { t.Logf("%5.1fs %s", time.Since(begin).Seconds(), what) }

	root := t.TempDir()
	if keep := os.Getenv("OKD_TEST_KEEP"); keep != "" {
		root = keep
	}
	bins := binaries(ctx, t)
	assets := filepath.Join(root, "assets")
	if err := controlplane.WriteAssets(assets, time.Now()); err != nil {
		t.Fatal(err)
	}
	boot := &node{t: t, ip: "198.18.0.100", dir: filepath.Join(root, "bootstrap"), bins: bins, health: "9980"}
	render(ctx, t, assets, boot.path("/etc/kubernetes"))
	step("rendered")

	bootCtx, powerOff := context.WithCancel(ctx)
	bootDone := make(chan struct{})
	go func() { boot.run(bootCtx); close(bootDone) }()
	defer func() { powerOff(); <-bootDone }()

	vip := &balancer{listen: "198.18.0.10:6443", servers: []string{"127.0.0.1:6443", "198.18.0.101:6443"}}
	go vip.run(ctx, t)
	api := clients(t, filepath.Join(assets, "auth", "kubeconfig"))

	t.Setenv("BOOTSTRAP_SECRETS_DIR", boot.path("/etc/kubernetes/bootstrap-secrets"))
	started := make(chan error, 1)
	go func() {
		started <- clusterbootstrap.Commands()[0].Run(ctx, []string{
			"start", "--tear-down-early=false", "--asset-dir=" + assets,
			"--pod-manifest-path=" + boot.path("/etc/kubernetes/manifests"),
			"--required-pods=openshift-kube-apiserver/kube-apiserver," +
				"openshift-kube-scheduler/openshift-kube-scheduler," +
				"openshift-kube-controller-manager/kube-controller-manager",
		})
	}()
	eventually(ctx, t, "the API", func() string {
		_, err := api.Kube.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return text(err)
	})
	step("API up")
	startMasters(ctx, t, root, bins, api)
	startOperators(ctx, api)
	if err := <-started; err != nil {
		t.Fatalf("cluster-bootstrap: %v", err)
	}
	step("handed over")
	entries, _ := os.ReadDir(boot.path("/etc/kubernetes/manifests"))
	if len(entries) != 1 || entries[0].Name() != "etcd-member-pod.yaml" {
		t.Errorf("static pods left on the bootstrap host: %v", entries)
	}
	if _, err := os.Stat(boot.path("/etc/kubernetes/bootstrap-secrets")); !os.IsNotExist(err) {
		t.Errorf("bootstrap secrets are still there: %v", err)
	}
	if err := etcd.WaitForCEO(ctx, api.Client, clock.Real(), program.Logger()); err != nil {
		t.Fatal(err)
	}
	step("etcd runs in the cluster")
	if got := condition(ctx, api, "EtcdBootstrapMemberRemoved"); got != "False" {
		t.Errorf("EtcdBootstrapMemberRemoved = %q before the bootstrap is complete", got)
	}
	done := kit.ConfigMap("kube-system", "bootstrap", map[string]string{"status": "complete"})
	if err := api.EnsureConfigMap(ctx, done); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, "the bootstrap member to be removed", func() string {
		if got := condition(ctx, api, "EtcdBootstrapMemberRemoved"); got != "True" {
			return "EtcdBootstrapMemberRemoved = " + got
		}
		return ""
	})
	step("bootstrap member removed")
	powerOff()
	<-bootDone
	step("bootstrap off")
	checkEnd(ctx, t, api)
	step("done")
}

func checkEnd(ctx context.Context, t *testing.T, api access) {
	t.Helper()
	cm, err := api.Kube.CoreV1().ConfigMaps("openshift-etcd").Get(ctx, etcd.Endpoints, metav1.GetOptions{})
	if err != nil || len(cm.Data) != 3 || cm.Annotations[etcd.BootstrapAnnotation] != "" {
		t.Errorf("etcd endpoints: %v %v %v", cm.Data, cm.Annotations, err)
	}
	for _, r := range []string{"etcds", "kubeapiservers", "kubecontrollermanagers", "kubeschedulers"} {
		var cr staticpod.Resource
		eventually(ctx, t, r+" on three nodes", func() string {
			cr = staticpod.Resource{}
			if err := api.Get(ctx, kit.Operator(r).Ref("", "cluster"), &cr); err != nil {
				return err.Error()
			}
			for _, n := range cr.Status.NodeStatuses {
				if n.CurrentRevision != 1 {
					return fmt.Sprintf("a node is at revision %d", n.CurrentRevision)
				}
			}
			if len(cr.Status.NodeStatuses) != 3 {
				return "not three nodes"
			}
			return ""
		})
		if n := cr.Status.LatestAvailableRevision; n != 1 {
			t.Errorf("%s went through %d revisions; the install needs one", r, n)
		}
	}
	events, err := api.Kube.CoreV1().Events("openshift-etcd-operator").List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sort.Slice(events.Items, func(i, j int) bool { return events.Items[i].Name < events.Items[j].Name })
	var log strings.Builder
	for _, e := range events.Items {
		log.WriteString(e.Message + "\n")
	}
	t.Logf("etcd operator's events:\n%s", log.String())
	rest := log.String()
	for _, want := range []string{"1→2", "2→3", "3→4", "removed etcd-bootstrap; voting members 4→3"} {
		_, after, ok := strings.Cut(rest, want)
		if !ok {
			t.Errorf("events do not show %s in order", want)
		}
		rest = after
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "after-the-bootstrap"}}
	if _, err := api.Kube.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
		t.Errorf("write with the bootstrap host off: %v", err)
	}
}

// reexec runs the test in a network namespace of its own, so that the real
// ports and addresses can be used.
func reexec(t *testing.T) {
	t.Helper()
	cmd := exec.Command("unshare", "--net", os.Args[0], "-test.run=^TestHandOver$", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

func binaries(ctx context.Context, t *testing.T) map[string]string {
	t.Helper()
	hyperkube, server := os.Getenv("OKD_TEST_HYPERKUBE"), os.Getenv("OKD_TEST_ETCD")
	if hyperkube == "" || server == "" {
		cache := os.Getenv("OKD_LAB_CACHE")
		if cache == "" {
			cache = "/var/cache/okd-lab"
		}
		b, err := images.Binaries(ctx, "../../../..", cache, os.Stderr)
		if err != nil {
			t.Fatal(err)
		}
		hyperkube, server = b.Hyperkube, b.Etcd
	}
	return map[string]string{
		"/usr/bin/etcd": server, "/usr/bin/kube-apiserver": hyperkube,
		"/usr/bin/kube-controller-manager": hyperkube, "/usr/bin/kube-scheduler": hyperkube,
	}
}

// render runs the renderers as the bootstrap's stages do, and copies.
func render(ctx context.Context, t *testing.T, assets, kubernetes string) {
	t.Helper()
	in := func(s string) string { return filepath.Join(assets, s) }
	manifests := in("manifests")
	run := func(c program.Command, args ...string) {
		t.Helper()
		if err := c.Run(ctx, append([]string{"render"}, args...)); err != nil {
			t.Fatal(err)
		}
	}
	run(etcd.Commands()[0], "--asset-output-dir="+in("etcd-bootstrap"),
		"--cluster-configmap-file="+manifests+"/cluster-config.yaml",
		"--etcd-image=etcd", "--infra-config-file="+manifests+"/cluster-infrastructure-02-config.yml",
		"--network-config-file="+manifests+"/cluster-network-02-config.yml")
	copyTree(t, in("etcd-bootstrap/etc-kubernetes"), kubernetes)
	copyTree(t, in("etcd-bootstrap/manifests"), manifests)
	copyTree(t, in("etcd-bootstrap/tls"), in("tls"))
	stage := func(name string) []string {
		return []string{
			"--asset-input-dir=" + in("tls"), "--asset-output-dir=" + in(name),
			"--config-output-file=" + in(name) + "/config", "--manifest-image=hyperkube",
			"--rendered-manifest-files=" + manifests, "--payload-version=4.20.0-okd-lab.1",
			"--cluster-config-file=" + manifests + "/cluster-network-02-config.yml",
		}
	}
	commands := controlplane.Commands()
	run(commands[0], append(stage("kube-apiserver-bootstrap"),
		"--manifest-etcd-serving-ca=etcd-ca-bundle.crt", "--manifest-etcd-server-urls=https://localhost:2379",
		"--manifest-operator-image=operator", "--cluster-auth-file="+manifests+"/cluster-authentication-02-config.yaml",
		"--infra-config-file="+manifests+"/cluster-infrastructure-02-config.yml",
		"--operand-kubernetes-version=1.34.3")...)
	run(commands[1], append(stage("kube-controller-manager-bootstrap"),
		"--cluster-policy-controller-image=cpc",
		"--cpc-config-output-file="+in("kube-controller-manager-bootstrap/cpc-config"))...)
	run(commands[2], stage("kube-scheduler-bootstrap")[:4]...)
	for _, s := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		copyTree(t, in(s+"-bootstrap/bootstrap-manifests"), in("bootstrap-manifests"))
		copyTree(t, in(s+"-bootstrap/manifests"), manifests)
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-r", from+"/.", to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
}

// clients reach the API under its name at the VIP, as everything in the
// cluster does.
func clients(t *testing.T, kubeconfig string) access {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cfg.TLSClientConfig.ServerName = "api-int." + controlplane.Domain
	cfg.Host = "https://198.18.0.10:6443"
	cfg.QPS, cfg.Burst = 200, 400
	k, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c, err := kit.New("test", cfg)
	if err != nil {
		t.Fatal(err)
	}
	return access{c, k}
}

func startMasters(ctx context.Context, t *testing.T, root string, bins map[string]string, api access) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "assets/auth/kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := strings.ReplaceAll(string(data), "server: https://api-int.demo.okd.test:6443",
		"server: https://198.18.0.10:6443\n    tls-server-name: api-int.demo.okd.test")
	for i, ip := range []string{"198.18.0.101", "198.18.0.102", "198.18.0.103"} {
		name := "demo-master-" + string(rune('0'+i))
		n := &node{
			t: t, name: name, ip: ip, dir: filepath.Join(root, name), bins: bins, api: api,
			health: "999" + string(rune('0'+i)),
		}
		if i > 0 {
			// One real control plane is enough for two cores.
			n.fake = map[string]bool{
				"/usr/bin/kube-apiserver": true, "/usr/bin/kube-controller-manager": true,
				"/usr/bin/kube-scheduler": true,
			}
		}
		if err := os.MkdirAll(n.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(n.path("kubeconfig"), []byte(kubeconfig), 0o600); err != nil {
			t.Fatal(err)
		}
		obj := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: map[string]string{"node-role.kubernetes.io/master": ""},
		}}
		live, err := api.Kube.CoreV1().Nodes().Create(ctx, obj, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		live.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: ip}}
		if _, err := api.Kube.CoreV1().Nodes().UpdateStatus(ctx, live, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		nodeCtx, stop := context.WithCancel(ctx)
		go func() { n.run(nodeCtx); close(done) }()
		t.Cleanup(func() { stop(); <-done })
	}
}

func startOperators(ctx context.Context, api access) {
	hyperkube := staticpod.Images{
		Operand: "hyperkube", Operator: "operator", Version: "4.20.0-okd-lab.1", OperandVersion: "1.34.3",
	}
	member := hyperkube
	member.Operand, member.OperandVersion = "etcd", "3.6.4"
	clk := clock.Real()
	for _, o := range []*staticpod.Operator{
		etcd.NewOperator(api.Client, clk, member),
		controlplane.NewAPIServer(api.Client, clk, hyperkube),
		controlplane.NewControllerManager(api.Client, clk, hyperkube),
		controlplane.NewScheduler(api.Client, clk, hyperkube),
	} {
		go o.Run(ctx)
	}
}

func condition(ctx context.Context, api access, name string) string {
	var cr staticpod.Resource
	if err := api.Get(ctx, kit.Operator("etcds").Ref("", "cluster"), &cr); err != nil {
		return err.Error()
	}
	for _, c := range cr.Status.Conditions {
		if string(c.Type) == name {
			return string(c.Status)
		}
	}
	return "missing"
}

func eventually(ctx context.Context, t *testing.T, what string, missing func() string) {
	t.Helper()
	for {
		why := missing()
		if why == "" {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("timed out waiting for %s: %s", what, why)
		case <-time.After(300 * time.Millisecond):
		}
	}
}

func text(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

// balancer stands for VIP and haproxy: the first server that answers.
type balancer struct {
	listen  string
	servers []string
}

func (b *balancer) run(ctx context.Context, t *testing.T) {
	l, err := net.Listen("tcp", b.listen)
	if err != nil {
		t.Error(err)
		return
	}
	go func() { <-ctx.Done(); l.Close() }()
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer in.Close()
			for _, s := range b.servers {
				out, err := net.DialTimeout("tcp", s, time.Second)
				if err != nil {
					continue
				}
				defer out.Close()
				go func() { _, _ = io.Copy(out, in); out.Close() }()
				_, _ = io.Copy(in, out)
				return
			}
		}()
	}
}
