//go:build e2e

package e2e

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// refusesStrangers asks the service without a token, with a wrong one, and trusts nobody but the
// authorities of this computer.
func (a *rack) refusesStrangers(t *testing.T) {
	url := "https://" + a.hosts[0].Address.String() + ":8090"
	eventually(t, time.Minute, func() string { // its agent was killed just before
		if out, err := a.inside(t, "curl", "--silent", "--insecure", "--max-time", "10", url); err != nil {
			return err.Error() + out
		}
		return ""
	})
	for _, path := range []string{
		"/", "/v1/status", "/v1/logs", "/v1/hosts/x", "/config", "/bootstrap.ign", "/v1/ignition", "/auth/kubeconfig",
	} {
		for _, header := range []string{"X-None: none", "Authorization: Bearer wrong", "Authorization: Bearer "} {
			out, err := a.inside(t, "curl", "--silent", "--insecure", "--max-time", "10", "--header", header,
				"--write-out", "%{http_code}", url+path)
			if err != nil || out != "401" {
				t.Errorf("%s with %q: %v, %q", path, header, err, out)
			}
		}
	}
	if out, err := a.inside(t, "curl", "--silent", "--max-time", "10", url+"/v1/status"); err == nil ||
		!strings.Contains(err.Error(), "60") {
		t.Errorf("the certificate of the service is accepted by a stranger: %v, %q", err, out)
	}
	for _, host := range a.hosts {
		out, err := a.inHost(t, host.Name, "find /etc/okd-agent /var/lib/okd-agent -type f -perm /077 "+
			"! -name release-image; stat -c %a /etc/okd-agent/config.json")
		if host.Name == "master-0" && (err != nil || strings.TrimSpace(out) != "600") {
			t.Errorf("others can read files of the agent: %v\n%s", err, out)
		}
	}
	secrets := a.secrets(t, a.dir)
	for _, name := range []string{"service.json", "host.json", "self.json"} {
		out, err := a.inHost(t, "master-0", "cat /var/lib/okd-agent/"+name)
		if found := secrets.In(out); err != nil || len(out) < 100 || found != "" {
			t.Errorf("%s of %d bytes shows %q: %v", name, len(out), found, err)
		}
	}
}

// showsNoSecret looks for secrets where people look: consoles, logs, output.
func (a *rack) showsNoSecret(t *testing.T, w *run) {
	secrets := a.secrets(t, a.dir)
	if len(secrets) < 20 {
		t.Fatalf("only %d secrets were found in the state; has its format changed?", len(secrets))
	}
	texts := map[string]string{
		"standard error of wait-for": passwordLine.ReplaceAllString(w.stderr.String(), ""),
	}
	for _, h := range a.hosts {
		texts["console of "+h.Name] = a.okdLab(t, "hosts", "console", h.Name)
	}
	logs := 0
	for name, text := range unpackLogs(t, filepath.Join(a.dir, "agent-logs.tar")) {
		texts[name] = text
		logs++
	}
	if logs < 3 { // the status, and the logs of at least two hosts
		t.Errorf("agent-logs.tar has %d files", logs)
	}
	for what, text := range texts {
		if name := secrets.In(text); name != "" {
			t.Errorf("%s shows %s", what, name)
		}
	}
}

// unpackLogs reads an archive with archives of the hosts.
func unpackLogs(t *testing.T, name string) map[string]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]string{}
	untar(t, f, "", out)
	return out
}

func untar(t *testing.T, r io.Reader, prefix string, out map[string]string) {
	t.Helper()
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(h.Name, ".tar.gz") {
			packed, err := gzip.NewReader(archive)
			if err != nil {
				t.Fatal(err)
			}
			untar(t, packed, h.Name+"/", out)
			continue
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		out[prefix+h.Name] = string(content)
	}
}
