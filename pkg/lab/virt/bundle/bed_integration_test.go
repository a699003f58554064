//go:build integration

package bundle

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/okd-install/okd-install/pkg/lab/images"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/pki"
)

const (
	inNamespace = "OKD_TEST_NETNS"
	address     = "198.18.0.100"
	token       = "test"
)

// reexec runs a test in a network namespace of its own, so that it has the usual ports to itself.
func reexec(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inNamespace) == "" {
		cmd := exec.Command("unshare", "--net", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), inNamespace+"=1")
		out, err := cmd.CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Fatal(err)
		}
		return true
	}
	for _, args := range [][]string{{"link", "set", "lo", "up"}, {"addr", "add", address + "/24", "dev", "lo"}} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	return false
}

func start(t *testing.T, program, name string, args ...string) {
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
		_ = cmd.Wait()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("end of %s:\n%s", name, text[max(0, len(text)-2000):])
		}
	})
}

// programs are those of the lab's cache, or others that the environment names.
func programs(t *testing.T) images.Programs {
	t.Helper()
	p := images.Programs{Hyperkube: os.Getenv("OKD_TEST_HYPERKUBE"), Etcd: os.Getenv("OKD_TEST_ETCD")}
	if p.Hyperkube != "" && p.Etcd != "" {
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

// bed is an API server with the controllers of volumes and namespaces. The test plays kubelets and scheduler.
func bed(t *testing.T, p images.Programs) *api.Client {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, err := pki.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	account := write("account.key", pki.EncodeKey(key))
	start(t, p.Etcd, "etcd", "--data-dir="+filepath.Join(dir, "etcd"), "--unsafe-no-fsync",
		"--listen-peer-urls=http://127.0.0.1:2380")
	start(t, p.Hyperkube, "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379",
		"--cert-dir="+filepath.Join(dir, "serving"),
		"--advertise-address="+address, "--service-cluster-ip-range=198.19.128.0/17", "--authorization-mode=RBAC",
		"--token-auth-file="+write("tokens", []byte(token+",admin,admin,system:masters\n")),
		"--service-account-issuer=https://test", "--service-account-key-file="+account,
		"--service-account-signing-key-file="+account, "--disable-admission-plugins=ServiceAccount", "--allow-privileged")
	client, err := api.New("test", &rest.Config{
		Host: "https://127.0.0.1:6443", BearerToken: token, TLSClientConfig: rest.TLSClientConfig{Insecure: true},
		Timeout: 20 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the API", func(ctx context.Context) string {
		_, err := client.Raw(ctx, "/readyz", nil)
		return said(err)
	})
	start(t, p.Hyperkube, "kube-controller-manager", "--kubeconfig="+write("kubeconfig", []byte(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: `+token+`}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
`)), "--leader-elect=false", "--controllers=persistentvolume-binder-controller,"+
		"persistentvolumeclaim-protection-controller,garbage-collector-controller,namespace-controller",
		"--concurrent-gc-syncs=2")
	return client
}

func said(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

// eventually looks until nothing is missing.
func eventually(t *testing.T, what string, look func(context.Context) (missing string)) {
	t.Helper()
	last, end := "", time.Now().Add(time.Minute)
	for time.Now().Before(end) {
		if last = look(t.Context()); last == "" {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s: %s", what, last)
}
