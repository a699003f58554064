package steps

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/secret"
)

const (
	apiCA     = "-----BEGIN CERTIFICATE-----\nYXBp\n-----END CERTIFICATE-----\n"
	ingressCA = "-----BEGIN CERTIFICATE-----\naW5ncmVzcw==\n-----END CERTIFICATE-----\n"
)

// kubeconfig is a file of clusters with the given authorities.
func kubeconfig(t *testing.T, authorities ...string) string {
	t.Helper()
	cfg := clientapi.NewConfig()
	for i, ca := range authorities {
		c := clientapi.NewCluster()
		c.Server, c.CertificateAuthorityData = "https://api.demo.okd.test:6443", []byte(ca)
		cfg.Clusters[string(rune('a'+i))] = c
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*cfg, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func authorities(t *testing.T, path string) map[string]string {
	t.Helper()
	cfg, err := clientcmd.LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for name, c := range cfg.Clusters {
		out[name] = string(c.CertificateAuthorityData)
	}
	return out
}

func TestTrustIngress(t *testing.T) {
	path := kubeconfig(t, apiCA, apiCA+"# another\n")
	// Room behind the certificate must not be written to.
	ca := append(make([]byte, 0, 4096), "\n"+ingressCA+"\n"...)
	if err := trustIngress(path, ca); err != nil {
		t.Fatal(err)
	}
	got := authorities(t, path)
	if got["a"] != ingressCA+apiCA || got["b"] != ingressCA+apiCA+"# another\n" {
		t.Errorf("authorities %q", got)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	before, _ := os.ReadFile(path)
	if err := trustIngress(path, []byte(ingressCA)); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the second time changed the file")
	}
}

func TestTrustIngressRefuses(t *testing.T) {
	path := kubeconfig(t, "")
	if err := trustIngress(path, []byte(ingressCA)); err == nil || !strings.Contains(err.Error(), `cluster "a"`) {
		t.Errorf("a kubeconfig that trusts every server: %v", err)
	}
	if err := trustIngress(filepath.Join(t.TempDir(), "none"), []byte(ingressCA)); err == nil ||
		!strings.Contains(err.Error(), "none") {
		t.Errorf("no kubeconfig: %v", err)
	}
}

func TestLogIn(t *testing.T) {
	abs, err := filepath.Abs("auth/kubeconfig")
	if err != nil {
		t.Fatal(err)
	}
	const said, login = "Install complete!", `Login to the console with user: "kubeadmin", and password: `
	tests := []struct {
		name     string
		console  string
		password string
		reveals  bool
	}{
		{"with a console", "https://console", "pa55word", true},
		{"without", "", "pa55word", false},
		{"password not known, or not wanted", "https://console", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var lines []string
			var revealed string
			out := event.SinkFunc(func(e event.Event) {
				lines = append(lines, e.Message)
				revealed += e.Reveal.Reveal()
			})
			s := ClusterComplete{Kubeconfig: "auth/kubeconfig", Output: out, Password: secret.New(tt.password)}
			if err := s.logIn(tt.console); err != nil {
				t.Fatal(err)
			}
			text := strings.Join(lines, "\n")
			if !strings.Contains(text, said) || !strings.Contains(text, "export KUBECONFIG="+abs) {
				t.Errorf("said\n%s", text)
			}
			if strings.Contains(text, "web-console here: https://console") != (tt.console != "") {
				t.Errorf("console:\n%s", text)
			}
			shown := revealed == tt.password && strings.Contains(text, login)
			if shown != tt.reveals || strings.Contains(text, "pa55") {
				t.Errorf("password %q, said\n%s", revealed, text)
			}
		})
	}
}
