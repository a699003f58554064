package etcd

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestDelayedAnnotation: the file on the bootstrap host becomes the annotation by which
// the operator hands over earlier.
func TestDelayedAnnotation(t *testing.T) {
	const three = "controlPlane: {replicas: 3}\n"
	const alone = "controlPlane: {replicas: 1}\nbootstrapInPlace: {installationDisk: ''}\n"
	for _, tt := range []struct {
		name, config string
		marker, want bool
	}{
		{"a bootstrap host of its own", three, false, false},
		{"a future master", three, true, true},
		{"two nodes", "controlPlane: {replicas: 2}\n", true, true},
		{"in place", alone, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := func(name string) string { return filepath.Join(dir, name) }
			write := func(name, text string) {
				t.Helper()
				if err := os.WriteFile(path(name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			config := tt.config + "networking: {machineNetwork: [{cidr: 198.18.0.0/24}]}\n"
			write("cluster.yaml", "data:\n  install-config: |\n    "+strings.ReplaceAll(config, "\n", "\n    ")+"\n")
			write("network.yaml", "spec:\n  clusterNetwork: [{cidr: 10.128.0.0/14, hostPrefix: 23}]\n"+
				"  serviceNetwork: [172.30.0.0/16]\n")
			write("infra.yaml", "{}")
			if tt.marker {
				write("marker", "")
			}
			err := Render(RenderInput{
				OutputDir: path("out"), ClusterFile: path("cluster.yaml"), NetworkFile: path("network.yaml"),
				InfraFile: path("infra.yaml"), Marker: path("marker"), EtcdImage: "etcd", Now: time.Now(),
				Addresses: []netip.Addr{netip.MustParseAddr("198.18.0.5")},
			})
			if err != nil {
				t.Fatal(err)
			}
			raw, err := os.ReadFile(path("out/manifests/00_openshift-etcd-ns.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			var ns corev1.Namespace
			if err := yaml.Unmarshal(raw, &ns); err != nil {
				t.Fatal(err)
			}
			if _, got := ns.Annotations["openshift.io/delayed-bootstrap"]; got != tt.want {
				t.Errorf("annotated: %v, want %v\n%s", got, tt.want, raw)
			}
		})
	}
}
