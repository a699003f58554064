package install

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

// withKubeconfig is an application whose directory has a kubeconfig of clusters
// with the given authorities.
func withKubeconfig(t *testing.T, authorities ...string) *App {
	t.Helper()
	a := &App{Dir: t.TempDir(), Sink: event.Discard}
	cfg := clientapi.NewConfig()
	for i, ca := range authorities {
		c := clientapi.NewCluster()
		c.Server, c.CertificateAuthorityData = "https://api.demo.okd.test:6443", []byte(ca)
		cfg.Clusters[string(rune('a'+i))] = c
	}
	if err := os.Mkdir(a.path("auth"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := clientcmd.WriteToFile(*cfg, a.path(kubeconfigFile)); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *App) authorities(t *testing.T) map[string]string {
	t.Helper()
	cfg, err := clientcmd.LoadFromFile(a.path(kubeconfigFile))
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
	a := withKubeconfig(t, apiCA, apiCA+"# another\n")
	// Room behind the certificate must not be written to.
	ca := append(make([]byte, 0, 4096), "\n"+ingressCA+"\n"...)
	if err := a.trustIngress(ca); err != nil {
		t.Fatal(err)
	}
	got := a.authorities(t)
	if got["a"] != ingressCA+apiCA || got["b"] != ingressCA+apiCA+"# another\n" {
		t.Errorf("authorities %q", got)
	}
	info, err := os.Stat(a.path(kubeconfigFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	before, _ := os.ReadFile(a.path(kubeconfigFile))
	if err := a.trustIngress([]byte(ingressCA)); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(a.path(kubeconfigFile)); !bytes.Equal(before, after) {
		t.Error("the second time changed the file")
	}
}

func TestTrustIngressRefuses(t *testing.T) {
	a := withKubeconfig(t, "")
	if err := a.trustIngress([]byte(ingressCA)); err == nil || !strings.Contains(err.Error(), `cluster "a"`) {
		t.Errorf("a kubeconfig that trusts everybody: %v", err)
	}
	if err := (&App{Dir: t.TempDir()}).trustIngress([]byte(ingressCA)); err == nil || !strings.Contains(err.Error(), kubeconfigFile) {
		t.Errorf("no kubeconfig: %v", err)
	}
}

func TestLogIn(t *testing.T) {
	dir := t.TempDir()
	abs, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	const said, login = "Install complete!", `Login to the console with user: "kubeadmin", and password: `
	tests := []struct {
		name     string
		console  string
		password string
		skip     bool
		reveals  bool
	}{
		{"with a console", "https://console", "pa55word", false, true},
		{"without", "", "pa55word", false, false},
		{"password not wanted", "https://console", "pa55word", true, false},
		{"password not known", "https://console", "", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var lines []string
			var revealed string
			a := &App{Dir: dir, Options: Options{SkipPasswordPrint: tt.skip}, Sink: event.SinkFunc(func(e event.Event) {
				lines = append(lines, e.Message)
				revealed += e.Reveal.Reveal()
			})}
			if err := a.logIn(tt.console, secret.New(tt.password)); err != nil {
				t.Fatal(err)
			}
			text := strings.Join(lines, "\n")
			if !strings.Contains(text, said) || !strings.Contains(text, "export KUBECONFIG="+abs+"/auth/kubeconfig") {
				t.Errorf("said\n%s", text)
			}
			if strings.Contains(text, "web-console here: https://console") != (tt.console != "") {
				t.Errorf("console:\n%s", text)
			}
			if (revealed == tt.password && strings.Contains(text, login)) != tt.reveals || strings.Contains(text, "pa55") {
				t.Errorf("password %q, said\n%s", revealed, text)
			}
		})
	}
}
