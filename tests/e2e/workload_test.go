//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// workloadTemplate is a web server on every worker behind one service, and a client on
// every master. The lab's images have no shell: the server is the console's program, and
// the client is kubectl, which can send requests to any HTTP server.
var workloadTemplate = template.Must(template.New("workload").Parse(`
apiVersion: v1
kind: Namespace
metadata: {name: e2e}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: e2e}
spec:
  replicas: {{.Workers}}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      nodeSelector: {node-role.kubernetes.io/worker: ""}
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
          - topologyKey: kubernetes.io/hostname
            labelSelector: {matchLabels: {app: web}}
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: {{.Server}}
        command: [/usr/bin/console, --cluster=the-workload, --version=e2e]
        readinessProbe: {httpGet: {path: /health, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: e2e}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: client, namespace: e2e}
spec:
  selector: {matchLabels: {app: client}}
  template:
    metadata: {labels: {app: client}}
    spec:
      nodeSelector: {node-role.kubernetes.io/control-plane: ""}
      tolerations: [{operator: Exists}]
      terminationGracePeriodSeconds: 1
      containers:
      - name: client
        image: {{.Client}}
        command: [/usr/bin/kubectl, proxy, --port=8001]
`))

// serviceProgrammed is how long kube-proxy may take on a busy node.
const serviceProgrammed = 15 * time.Second

// service is the URL of the workload for pods.
const service = "http://web.e2e.svc.cluster.local"

// workload deploys a service and calls it from pods on other nodes.
func (c *cluster) workload(t *testing.T) { c.workloadOn(t, c.workers(t)) }

// workloadOn expects the servers on nodes.
func (c *cluster) workloadOn(t *testing.T, nodes []string) {
	var console appsv1.Deployment
	c.get(t, &console, "deployment", "-n", "openshift-console", "console")
	var scheduler corev1.Pod
	c.get(t, &scheduler, "pod", "-n", "openshift-kube-scheduler", "openshift-kube-scheduler-"+c.masters(t)[0])
	var manifest bytes.Buffer
	if err := workloadTemplate.Execute(&manifest, map[string]any{
		"Workers": len(nodes), "Server": console.Spec.Template.Spec.Containers[0].Image,
		"Client": scheduler.Spec.Containers[0].Image,
	}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(c.work, "workload.yaml")
	if err := os.WriteFile(file, manifest.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	c.kubectl(t, "apply", "-f", file)
	for _, what := range []string{"deployment/web", "daemonset/client"} {
		_, err := c.inside(t, "kubectl", "--kubeconfig", c.kubeconfig(), "rollout", "status", "-n", "e2e", what,
			"--timeout=90s")
		if err != nil {
			t.Logf("%s", c.kubectl(t, "get", "events", "-n", "e2e"))
			t.Fatal(err)
		}
	}
	web := c.pods(t, "web")
	var on []string
	for _, p := range web {
		on = append(on, p.Spec.NodeName)
	}
	slices.Sort(on)
	if want := slices.Sorted(slices.Values(nodes)); !slices.Equal(on, want) {
		t.Errorf("the web servers are on %v, want %v", on, want)
	}
	for _, client := range c.pods(t, "client") {
		// A pod is Ready shortly before every node can reach its service.
		eventually(t, serviceProgrammed, func() string {
			if why := c.calls(t, client.Name, service); why != "" {
				return "by its name, from " + client.Spec.NodeName + ": " + why
			}
			return ""
		})
		for _, p := range web {
			if why := c.calls(t, client.Name, "http://"+net.JoinHostPort(p.Status.PodIP, "8080")); why != "" {
				t.Errorf("pod on %s, from %s: %s", p.Spec.NodeName, client.Spec.NodeName, why)
			}
		}
		if log := c.kubectl(t, "logs", "-n", "e2e", client.Name); !strings.Contains(log, "Starting to serve") {
			t.Errorf("kubectl logs %s: %q", client.Name, log)
		}
	}
}

func (c *cluster) pods(t *testing.T, app string) []corev1.Pod {
	t.Helper()
	var list corev1.PodList
	c.get(t, &list, "pods", "-n", "e2e", "-l", "app="+app)
	if len(list.Items) == 0 {
		t.Fatalf("no pod of %s", app)
	}
	return list.Items
}

// calls requests the workload's page from inside a pod, through kubectl exec, and
// returns what is wrong.
func (c *cluster) calls(t *testing.T, pod, url string) string {
	t.Helper()
	out, err := c.tryKubectl(t, "exec", "-n", "e2e", pod, "--",
		"kubectl", "--server="+url, "--request-timeout=8s", "get", "--raw", "/")
	if err != nil {
		return err.Error()
	}
	if !strings.Contains(out, "the-workload") {
		return fmt.Sprintf("%s answers %q", url, out)
	}
	return ""
}

// usable checks that the cluster works: it writes, reads, and calls a service from a pod
// on one of the nodes.
func (c *cluster) usable(t *testing.T, node string, within time.Duration) {
	t.Helper()
	c.kubectl(t, "create", "configmap", "-n", "e2e", "probe", "--from-literal=a=b")
	if out := c.kubectl(t, "get", "configmap", "-n", "e2e", "probe", "-o", "jsonpath={.data.a}"); out != "b" {
		t.Errorf("a ConfigMap reads back %q", out)
	}
	c.kubectl(t, "delete", "configmap", "-n", "e2e", "probe")
	for _, p := range c.pods(t, "client") {
		if p.Spec.NodeName == node {
			took := eventually(t, within, func() string { return c.calls(t, p.Name, service) })
			t.Logf("the service answers by its name after %s", took.Round(100*time.Millisecond))
			return
		}
	}
	t.Errorf("no client on %s", node)
}
