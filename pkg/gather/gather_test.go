package gather_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/okd-install/okd-install/data"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/gather"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/sshclient"
	"github.com/okd-install/okd-install/pkg/sshclient/sshtest"
)

const (
	adminPassword = "aaaaa-bbbbb-ccccc-ddddd"
	privateKey    = "-----BEGIN RSA PRIVATE KEY-----\nMIIEsecretsecret\n-----END RSA PRIVATE KEY-----\n"
	pullSecret    = `{"auths":{"registry.test":{"auth":"b2tkOmNvcnJlY3QtaG9yc2U="}}}`
)

// tool stands in for a program of the host; what it says holds secrets, as
// what programs say may.
const tool = `#!/bin/bash
case "$(basename "$0") $*" in
sudo*bash*) exec bash -s ;;
sudo*) shift; exec bash "$OKD_LIB/$(basename "$1")" "${@:2}" ;;
"oc "*readyz*) [ ! -e "$HOST/api-down" ] ;;
"oc "*" get nodes "*) cat "$HOST/nodes.json" ;;
"oc "*) echo '{"items":[]}' ;;
systemctl*--failed*) echo "crio.service failed" ;;
journalctl*) printf '%s\n' "the password is $ADMIN_PASSWORD" 'Authorization: Bearer abcdefghijkl' "$PRIVATE" ;;
*) echo "$(basename "$0")" ;;
esac
`

type host struct {
	t      *testing.T
	dir    string
	server *sshtest.Server
	shell  func(ctx context.Context, s sshtest.Session) int
	users  pki.SSHKey                 // that the masters let in
	behind map[string]*sshtest.Server // masters, by address, that the bootstrap host reaches
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t, dir: t.TempDir()}
	tree, err := fs.Sub(data.Bootstrap(), "files/usr/local/bin")
	h.must(err)
	h.must(os.CopyFS(h.path("lib"), tree))
	for _, script := range []string{"installer-gather.sh", "installer-masters-gather.sh"} {
		h.must(os.Chmod(h.path("lib/"+script), 0o755))
	}
	for _, name := range []string{"sudo", "oc", "systemctl", "journalctl", "podman", "crictl", "ip", "ss"} {
		h.write("bin/"+name, tool)
	}
	h.write("nodes.json", `{"items":[]}`)
	h.write("records/bootkube.json", `[{"phase":"service start"}]`)
	h.write("records/stages/cb-bootstrap.log", "pod not ready")
	h.write("assets/manifests/config.yaml", "kind: ConfigMap\n")
	h.write("assets/manifests/secret.yaml", "kind: Secret\ndata: {x: c2VjcmV0LXZhbHVl}\n")
	h.write("assets/manifests/list.yaml", "kind: List\nitems:\n- kind: Secret\n  data: {x: c2VjcmV0LXZhbHVl}\n")
	h.write("assets/openshift/mc.json",
		`{"kind": "MachineConfig", "key": "`+strings.ReplaceAll(privateKey, "\n", `\n`)+`"}`)
	h.write("assets/tls/service-account.key", privateKey)
	h.write("assets/tls/root-ca.crt", "certificate")
	h.write("assets/auth/kubeconfig-loopback", "client-key-data: abcdef")
	h.write("assets/auth/kubeconfig", "client-key-data: abcdef")
	h.write("assets/api-bootstrap.done", "")
	env := []string{"PATH=" + h.path("bin") + ":" + os.Getenv("PATH"), "HOST=" + h.dir, "OKD_LIB=" + h.path("lib"),
		"OKD_ASSETS=" + h.path("assets"), "OKD_RECORDS=" + h.path("records"), "ADMIN_PASSWORD=" + adminPassword,
		"PRIVATE=" + privateKey}
	h.shell = func(ctx context.Context, s sshtest.Session) int {
		if s.Agent != nil {
			t.Error("a host was lent an agent")
		}
		return sshtest.Shell(ctx, s, env...)
	}
	h.server = sshtest.New(t, h.shell)
	h.server.Forward = h.forward
	h.users, err = pki.NewSSHKey("user@desk")
	h.must(err)
	h.behind = map[string]*sshtest.Server{}
	h.master("127.0.0.21", false)
	return h
}

// forward leads from the bootstrap host to the masters behind it.
func (h *host) forward(addr string) (net.Conn, error) {
	ip, _, _ := net.SplitHostPort(addr)
	if behind := h.behind[ip]; behind != nil {
		return net.Dial("tcp", behind.Addr)
	}
	return nil, errors.New("no route to host")
}

// master starts a master, which lets the user's key in: one that can be reached
// from here, or one that only the bootstrap host reaches.
func (h *host) master(ip string, direct bool) {
	h.t.Helper()
	addr := "127.0.0.1:0"
	if direct {
		_, port, err := net.SplitHostPort(h.server.Addr)
		h.must(err)
		addr = net.JoinHostPort(ip, port)
	}
	s := sshtest.At(h.t, addr, h.shell)
	s.User = h.users
	if !direct {
		h.behind[ip] = s
	}
}

func (h *host) path(name string) string { return filepath.Join(h.dir, name) }

func (h *host) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) write(name, content string) {
	h.t.Helper()
	h.must(os.MkdirAll(filepath.Dir(h.path(name)), 0o755))
	h.must(os.WriteFile(h.path(name), []byte(content), 0o755))
}

func (h *host) options() gather.Options {
	addr, port, err := net.SplitHostPort(h.server.Addr)
	h.must(err)
	h.write("local/.openshift_install.log", "level=info msg=started password="+adminPassword)
	dir := h.t.TempDir()
	return gather.Options{
		Dir: dir, Bootstrap: []string{addr}, Port: port,
		SSH:       sshclient.Config{Keys: [][]byte{h.server.User.PrivatePEM}, HostKey: h.server.Host.AuthorizedKey},
		MasterSSH: sshclient.Config{Keys: [][]byte{h.users.PrivatePEM}, Unknown: func(string, string) error { return nil }},
		Local:     []string{h.path("local/.openshift_install.log"), h.path("local/not-there")},
		Secrets:   []secret.String{secret.New(adminPassword), secret.New(pullSecret)},
		Clock:     clock.NewFake(time.Date(2026, 11, 21, 3, 4, 5, 0, time.UTC)), Sink: event.Discard,
		Timeout: 4 * time.Minute,
	}
}

// contents reads a bundle, and checks what must hold for every one.
func contents(t *testing.T, path string) map[string]string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 || filepath.Base(path) != "log-bundle-20261121030405.tar.gz" {
		t.Errorf("bundle %s has mode %04o", path, info.Mode().Perm())
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".log-bundle*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	plain, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	files := tar.NewReader(plain)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(header.Name, "log-bundle-20261121030405/")
		out[name] = string(raw)
		for _, s := range []string{
			adminPassword, "MIIEsecret", "c2VjcmV0LXZhbHVl", "b2tkOmNvcnJlY3QtaG9yc2U=", "abcdefghijkl",
		} {
			if strings.Contains(string(raw), s) {
				t.Errorf("%s holds the secret %q", name, s)
			}
		}
	}
	return out
}

func TestBundle(t *testing.T) {
	h := newHost(t)
	h.write("nodes.json", `{"items":[{"metadata":{"name":"m0","labels":{"node-role.kubernetes.io/master":""}},`+
		`"status":{"addresses":[{"type":"InternalIP","address":"127.0.0.21"}]}}]}`)
	o := h.options()
	o.API = fakeAPI{errors.New("i/o timeout")}
	path, err := gather.Bootstrap(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	got := contents(t, path)
	for name, want := range map[string]string{
		"installer/api.json":                            `"error": "i/o timeout"`,
		"resources/source.txt":                          "kubeconfig-loopback",
		"gather.log":                                    "gathering from the bootstrap host",
		"failed-units.txt":                              "crio.service failed",
		"unit-status/bootkube.txt":                      "systemctl",
		"bootstrap/services/bootkube.json":              "service start",
		"bootstrap/stages/cb-bootstrap.log":             "pod not ready",
		"bootstrap/journals/bootkube.log":               "the password is (hidden)",
		"bootstrap/network/ip-addr":                     "ip",
		"bootstrap/containers/podman.txt":               "podman",
		"bootstrap/pods/crictl.txt":                     "crictl",
		"rendered-assets/manifests/config.yaml":         "ConfigMap",
		"rendered-assets/tls/root-ca.crt":               "certificate",
		"rendered-assets/api-bootstrap.done":            "",
		"rendered-assets/left-out.txt":                  "./manifests/secret.yaml",
		"resources/nodes.json":                          "127.0.0.21",
		"control-plane/127.0.0.21/journals/kubelet.log": "the password is (hidden)",
		"installer/openshift_install.log":               "password=(hidden)",
	} {
		content, ok := got[name]
		if !ok || !strings.Contains(content, want) {
			t.Errorf("%s: %q, should contain %q", name, content, want)
		}
	}
	for name := range got {
		if strings.HasSuffix(name, ".key") || strings.Contains(name, "auth/") || strings.HasSuffix(name, "mc.json") {
			t.Errorf("%s is in the bundle", name)
		}
	}
}

type fakeAPI struct{ err error }

func (f fakeAPI) Raw(_ context.Context, path string, _ url.Values) ([]byte, error) {
	return []byte(`{"path":"` + path + `"}`), f.err
}

// busyAPI has one kind; the storage of all others is being initialized.
type busyAPI struct{}

func (busyAPI) Raw(_ context.Context, path string, _ url.Values) ([]byte, error) {
	if !strings.HasSuffix(path, "/clusterversions") {
		return nil, apierrors.NewTooManyRequests("storage is (re)initializing", 1)
	}
	return []byte("{}"), nil
}

func TestPartialBundles(t *testing.T) {
	t.Run("an API that is busy", func(t *testing.T) {
		h := newHost(t)
		o := h.options()
		o.Bootstrap, o.API = nil, busyAPI{}
		path, err := gather.Bootstrap(t.Context(), o)
		lacks(t, err, "resources etcds: storage is (re)initializing")
		if contents(t, path)["resources/clusterversions.json"] == "" {
			t.Error("the first refusal ended the questions")
		}
	})
	t.Run("an API that only the installer reaches", func(t *testing.T) {
		h := newHost(t)
		h.write("api-down", "")
		o := h.options()
		o.API = fakeAPI{}
		path, err := gather.Bootstrap(t.Context(), o)
		lacks(t, err, "resources: the API does not answer")
		if contents(t, path)["resources/clusterversions.json"] == "" {
			t.Error("the installer did not ask")
		}
	})
	t.Run("no bootstrap host", func(t *testing.T) {
		h := newHost(t)
		o := h.options()
		o.Bootstrap, o.API = nil, fakeAPI{errors.New("connection refused")}
		path, err := gather.Bootstrap(t.Context(), o)
		lacks(t, err, "its address is not known; name it with --bootstrap")
		lacks(t, err, "connection refused")
		if incomplete := (*gather.Incomplete)(nil); !errors.As(err, &incomplete) || !incomplete.Empty {
			t.Error("it is not said that nobody gave anything")
		}
		if got := contents(t, path); got["installer/openshift_install.log"] == "" {
			t.Errorf("bundle holds %v", got)
		}
	})
	t.Run("a connection that is cut", func(t *testing.T) {
		h := newHost(t)
		h.server = sshtest.New(t, func(_ context.Context, s sshtest.Session) int {
			compress := gzip.NewWriter(s.Stdout)
			archive := tar.NewWriter(compress)
			_ = archive.WriteHeader(&tar.Header{Name: "log-bundle-x/gather.log", Size: 5, Mode: 0o600})
			_, _ = archive.Write([]byte("begun"))
			_ = archive.WriteHeader(&tar.Header{Name: "log-bundle-x/big", Size: 1 << 20, Mode: 0o600})
			_, _ = archive.Write(make([]byte, 1000))
			_ = compress.Flush()
			h.server.Cut()
			return 0
		})
		path, err := gather.Bootstrap(t.Context(), h.options())
		lacks(t, err, "the rest of the bootstrap host's archive")
		if got := contents(t, path); !strings.HasPrefix(got["gather.log"], "begun") {
			t.Errorf("what came is lost: %v", got)
		}
	})
}

func lacks(t *testing.T, err error, what string) {
	t.Helper()
	var incomplete *gather.Incomplete
	if !errors.As(err, &incomplete) || !strings.Contains(err.Error(), what) {
		t.Errorf("error %v, should say that this is missing: %s", err, what)
	}
}

func TestBundleDirectoryThatIsNotThere(t *testing.T) {
	o := newHost(t).options()
	o.Dir = filepath.Join(o.Dir, "missing")
	if _, err := gather.Bootstrap(t.Context(), o); err == nil || !strings.HasPrefix(err.Error(), "create log bundle") {
		t.Errorf("error %v", err)
	}
}
