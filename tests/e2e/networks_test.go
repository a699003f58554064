//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"text/template"

	corev1 "k8s.io/api/core/v1"
)

// networksTemplate is two pods on one node with interfaces of a bridge between them. The
// addresses are neither the pods' nor the services'; kube-proxy drops what goes to services
// that do not exist, on every bridge.
var networksTemplate = template.Must(template.New("networks").Parse(`
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: {name: lan, namespace: e2e}
spec:
  config: |
    {"cniVersion": "0.4.0", "name": "lan", "type": "bridge", "bridge": "brlan",
     "ipam": {"type": "host-local", "subnet": "198.18.250.0/24"}}
{{- range $name, $image := .Images}}
---
apiVersion: v1
kind: Pod
metadata:
  name: lan-{{$name}}
  namespace: e2e
  labels: {app: lan}
  annotations: {k8s.v1.cni.cncf.io/networks: lan}
spec:
  nodeName: {{$.Node}}
  tolerations: [{operator: Exists}]
  terminationGracePeriodSeconds: 1
  containers:
  - name: c
    image: {{$image}}
    command: {{if eq $name "server"}}[/usr/bin/console, --cluster=the-workload, --version=e2e]
      {{- else}}[/usr/bin/kubectl, proxy, --port=8001]{{end}}
{{- end}}
`))

// secondNetwork gives pods a second interface, and calls one from the other over it. It
// needs the workload's pods.
func (c *cluster) secondNetwork(t *testing.T) {
	web, client := c.pods(t, "web")[0], c.pods(t, "client")[0]
	var manifest bytes.Buffer
	if err := networksTemplate.Execute(&manifest, map[string]any{
		"Node": web.Spec.NodeName, "Images": map[string]string{
			"server": web.Spec.Containers[0].Image, "client": client.Spec.Containers[0].Image,
		},
	}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(c.work, "networks.yaml")
	if err := os.WriteFile(file, manifest.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	c.kubectl(t, "apply", "-f", file)
	if _, err := c.inside(t, "kubectl", "--kubeconfig", c.kubeconfig(), "wait", "-n", "e2e", "--for=condition=Ready",
		"pod", "-l", "app=lan", "--timeout=60s"); err != nil {
		t.Logf("%s", c.kubectl(t, "get", "events", "-n", "e2e"))
		t.Fatal(err)
	}
	pods := c.pods(t, "lan")
	i := slices.IndexFunc(pods, func(p corev1.Pod) bool { return p.Name == "lan-server" })
	address := addressOf(t, pods[i], "net1")
	if why := c.calls(t, "lan-client", "http://"+net.JoinHostPort(address, "8080")); why != "" {
		t.Errorf("from pod to pod of %s over their second interface: %s", web.Spec.NodeName, why)
	}
	c.kubectl(t, "delete", "-f", file, "--wait=false")
}

// addressOf is what multus says about an interface of a pod.
func addressOf(t *testing.T, p corev1.Pod, link string) string {
	t.Helper()
	var all []struct {
		Interface string
		IPs       []string
	}
	text := p.Annotations["k8s.v1.cni.cncf.io/network-status"]
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatalf("network status %q of pod %s: %v", text, p.Name, err)
	}
	for _, s := range all {
		if s.Interface == link && len(s.IPs) > 0 {
			return s.IPs[0]
		}
	}
	t.Fatalf("pod %s has no address on %s: %s", p.Name, link, text)
	return ""
}
