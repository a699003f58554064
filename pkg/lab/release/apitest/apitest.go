// Package apitest starts a real API server with etcd on loopback, for tests.
package apitest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/command"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

// Server is an API server whose users may do everything.
type Server struct {
	Kubeconfig, Address string
	Client              *api.Client
}

// Start runs the programs until the test ends. They also end with the thread that starts
// them: lock it if other threads of the test change their namespaces, because these end.
func Start(ctx context.Context, t *testing.T, etcd, hyperkube string) Server {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	url := "http://" + free(t)
	Run(t, "etcd", nil, etcd, "--data-dir="+filepath.Join(dir, "etcd"), "--listen-client-urls="+url,
		"--advertise-client-urls="+url, "--listen-peer-urls=http://"+free(t), "--unsafe-no-fsync")
	key := filepath.Join(dir, "sa.key")
	if out, err := exec.CommandContext(ctx, "openssl", "genrsa", "-out", key, "2048").CombinedOutput(); err != nil {
		t.Fatalf("make service account key: %v: %s", err, out)
	}
	s := Server{Address: free(t)}
	_, port, _ := net.SplitHostPort(s.Address)
	Run(t, "kube-apiserver", nil, hyperkube, "--etcd-servers="+url,
		"--bind-address=127.0.0.1", "--secure-port="+port, "--cert-dir="+filepath.Join(dir, "certs"),
		"--token-auth-file="+write("tokens.csv", "secret-of-the-test,admin,admin,system:masters\n"),
		"--authorization-mode=RBAC", "--service-cluster-ip-range=198.19.128.0/17",
		"--service-account-issuer=https://test", "--service-account-key-file="+key,
		"--service-account-signing-key-file="+key,
		"--allow-privileged", "--disable-admission-plugins=ServiceAccount", "--feature-gates=WatchList=false")
	s.Kubeconfig = write("kubeconfig", fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://%s", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: secret-of-the-test}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`, s.Address))
	var err error
	if s.Client, err = api.Connect("test", s.Kubeconfig); err != nil {
		t.Fatal(err)
	}
	namespace := kube.Kind{Version: "v1", Plural: "namespaces"}.Ref("", "kube-system")
	Eventually(ctx, t, "API server", func() (bool, string) {
		err := s.Client.Get(ctx, namespace, new(any))
		return err == nil, fmt.Sprint(err)
	})
	return s
}

// Run runs a program under a name until the test ends; its log is shown on failure.
func Run(t *testing.T, name string, env []string, program string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Args[0] = name
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Cancel, cmd.WaitDelay = func() error { return cmd.Process.Signal(syscall.SIGTERM) }, 10*time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Wait() // it was told to end
		log.Close()
		if t.Failed() {
			data, _ := os.ReadFile(log.Name())
			t.Logf("log of %s:\n%s", name, command.Tail(string(data), 25))
		}
	})
}

// Eventually repeats a check until it succeeds; otherwise the test ends with what it said.
func Eventually(ctx context.Context, t *testing.T, what string, check func() (done bool, why string)) {
	t.Helper()
	why := ""
	for ctx.Err() == nil {
		done := false
		if done, why = check(); done {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(300 * time.Millisecond):
		}
	}
	t.Fatalf("%s: %s", what, why)
}

// free is an address on loopback with a port that is not in use.
func free(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
