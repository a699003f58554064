package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// siteSecrets must not be in the report of a site. They are in the files that the script
// reads, and in the output of the commands.
var siteSecrets = map[string]string{
	"engine password":     "eng1ne-pass",
	"registry login":      "dXNlcjpwYXNzd29yZA==",
	"kubeadmin password":  "abcde-fghij-klmno-pqrst",
	"host name of engine": "engine.site.internal",
	"domain":              "clusters.site.internal",
	"cluster name":        "production7",
	"infrastructure ID":   "production7-x7k2p",
	"address":             "198.51.100.77",
	"MAC":                 "52:54:00:12:34:56",
}

const siteMetadata = `{"clusterName":"production7","clusterID":"c9f0d7e2","infraID":"production7-x7k2p"}`

const siteLogin = `ovirt_url: https://engine.site.internal/ovirt-engine/api
ovirt_password: eng1ne-pass
`

const siteConfig = `apiVersion: v1
baseDomain: clusters.site.internal
metadata:
  name: production7
platform:
  none: {}
pullSecret: '{"auths":{"registry.site.internal":{"auth":"dXNlcjpwYXNzd29yZA=="}}}'
sshKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0hCj3wRMWXWsnRjHbuPDWgi9dMLCq4Ywv2W6dcxEoY core
`

// fidelity runs hack/fidelity.sh with the given scripts as okd-install and oc, and
// returns the report.
func fidelity(t *testing.T, mode, installer, oc string) (report, said string, err error) {
	t.Helper()
	dir, bin := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{
		filepath.Join(dir, "install-config.yaml"):     siteConfig,
		filepath.Join(dir, "auth/kubeadmin-password"): "abcde-fghij-klmno-pqrst",
		filepath.Join(dir, "auth/kubeconfig"):         "{}",
		filepath.Join(dir, "metadata.json"):           siteMetadata,
		filepath.Join(dir, "ovirt-config.yaml"):       siteLogin,
		filepath.Join(bin, "okd-install"):             "#!/bin/sh\n" + installer,
		filepath.Join(bin, "oc"):                      "#!/bin/sh\n" + oc,
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "../hack/fidelity.sh", mode, dir)
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"),
		"OVIRT_CONFIG="+filepath.Join(dir, "ovirt-config.yaml"))
	out, err := cmd.CombinedOutput()
	text, _ := os.ReadFile(filepath.Join(dir, "fidelity-report.md"))
	return string(text), string(out), err
}

// wellCluster is an oc with a healthy cluster.
const wellCluster = `case "$*" in
*clusteroperators*)
	echo '{"items":[{"metadata":{"name":"etcd"},"status":{"conditions":[{"type":"Available","status":"True"}]}}]}' ;;
*"get nodes"*) echo '{"items":[{"status":{"nodeInfo":{"osImage":"CentOS Stream CoreOS 10","kernelVersion":"6.12",
	"containerRuntimeVersion":"cri-o://1.34","kubeletVersion":"v1.34.3","machineID":"52:54:00:12:34:56"}}}]}' ;;
*infrastructure*) echo '{"status":{"platformStatus":{"type":"None"},"controlPlaneTopology":"HighlyAvailable"}}' ;;
*clusterversion*) echo '{"status":{"desired":{"version":"5.0.0-okd-scos.1"}}}' ;;
esac`

func TestFidelityReportOfSuccess(t *testing.T) {
	report, said, err := fidelity(t, "install", `case "$*" in
*"plan"*) echo '{"create":[]}' ;;
*phases*) echo 'preflight done 1.0s' ;;
esac`, wellCluster)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, want := range []string{
		"| create cluster | worked |", "| create cluster again | worked |", "| plan has nothing to create | worked |",
		"| every operator is available, none degraded | worked |",
		"| 1 nodes | CentOS Stream CoreOS 10, kernel 6.12, cri-o://1.34, kubelet v1.34.3 |",
		"| release | 5.0.0-okd-scos.1 |",
		"| preflight | done | 1.0s |",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %q:\n%s", want, report)
		}
	}
}

func TestFidelityReportOfFailureHasNoSecrets(t *testing.T) {
	installer := `case "$*" in
*create*)
	echo 'level=error msg=engine engine.site.internal (198.51.100.77, 52:54:00:12:34:56): login eng1ne-pass '\
'refused for production7-x7k2p.clusters.site.internal, registry says dXNlcjpwYXNzd29yZA==, '\
'kubeadmin abcde-fghij-klmno-pqrst' >&2
	exit 4 ;;
*plan*) echo '{"create":[{"name":"production7-x7k2p-bootstrap"}]}' ;;
esac`
	report, said, err := fidelity(t, "install", installer, `echo 'no route to 198.51.100.77' >&2; exit 1`)
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 { //nolint:errorlint // not wrapped by os/exec
		t.Fatalf("%v, want exit code 1\n%s", err, said)
	}
	for _, want := range []string{
		"| create cluster | failed, exit code 4 |", "| plan has nothing to create | failed", "(engine)", "(address)",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %q:\n%s", want, report)
		}
	}
	for what, value := range siteSecrets {
		if strings.Contains(report, value) {
			t.Errorf("the report has the %s of the site:\n%s", what, report)
		}
	}
}
