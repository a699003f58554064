package mco

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube/kubetest"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

// Paths of API groups.
const (
	core      = "/api/v1"
	config    = "/apis/config.openshift.io/v1"
	machine   = "/apis/machineconfiguration.openshift.io/v1"
	operators = config + "/clusteroperators/machine-config"
)

// cluster is a fake API with what a bootstrap leaves behind and the names of
// the rendered configs that the bootstrap served.
func cluster(t *testing.T) (*kubetest.Server, *reconciler, map[string]string) {
	t.Helper()
	dir, dest := bootstrapDir(t)
	f := kubetest.New(t)
	c, err := api.New("machine-config-operator", f.Config())
	if err != nil {
		t.Fatal(err)
	}
	read := func(path string) []byte {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	m := func(name string) []byte { return read(filepath.Join("testdata/manifests", name)) }
	f.Put(machine+"/controllerconfigs/machine-config-controller",
		read(filepath.Join(dest, "manifests/machine-config-operator_controllerconfig.yaml")))
	f.Put(core+"/namespaces/openshift-config/secrets/pull-secret", m("openshift-config-secret-pull-secret.yaml"))
	f.Put(config+"/schedulers/cluster", m("cluster-scheduler-02-config.yml"))
	f.Put(config+"/infrastructures/cluster", m("cluster-infrastructure-02-config.yml"))
	f.Put(config+"/imagedigestmirrorsets/image-digest-mirror", m("image-digest-mirror-set.yaml"))
	names := map[string]string{}
	for _, role := range []string{"master", "worker"} {
		f.Put(machine+"/machineconfigpools/"+role,
			read(filepath.Join(dest, "manifests/machine-config-operator_"+role+".machineconfigpool.yaml")))
		f.Put(machine+"/machineconfigs/99-"+role+"-ssh", m("99_openshift-machineconfig_99-"+role+"-ssh.yaml"))
		file := glob(t, filepath.Join(dir, "machine-configs", "rendered-"+role+"-*.yaml"))[0]
		names[role] = strings.TrimSuffix(filepath.Base(file), ".yaml")
	}
	for i := range 3 {
		putNode(f, fmt.Sprintf("m%d", i), "master", true)
	}
	return f, &reconciler{
		client: c, version: "4.20.0-okd-lab.1", clock: clock.NewFake(time.Unix(1e9, 0)),
		log: slog.New(slog.DiscardHandler),
	}, names
}

func putNode(f *kubetest.Server, name, role string, ready bool) {
	status := map[bool]string{true: "True", false: "False"}[ready]
	f.Put(core+"/nodes/"+name, []byte(`
kind: Node
metadata: {name: `+name+`, labels: {node-role.kubernetes.io/`+role+`: ""}}
spec: {taints: [{key: node-role.kubernetes.io/`+role+`, effect: NoSchedule}]}
status: {conditions: [{type: Ready, status: "`+status+`"}]}
`))
}

func reconcile(t *testing.T, o *reconciler) bool {
	t.Helper()
	settled, err := o.sync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return settled
}

func conditions(f *kubetest.Server) map[configv1.ClusterStatusConditionType]configv1.ConditionStatus {
	var co configv1.ClusterOperator
	f.Get(operators, &co)
	out := map[configv1.ClusterStatusConditionType]configv1.ConditionStatus{}
	for _, c := range co.Status.Conditions {
		out[c.Type] = c.Status
	}
	return out
}

// TestOperatorRendersWhatTheBootstrapServed: otherwise masters would have a
// config that the cluster does not know.
func TestOperatorRendersWhatTheBootstrapServed(t *testing.T) {
	f, o, names := cluster(t)
	reconcile(t, o)
	for role, name := range names {
		var p mcfgv1.MachineConfigPool
		f.Get(machine+"/machineconfigpools/"+role, &p)
		if p.Spec.Configuration.Name != name || p.Status.Configuration.Name != name {
			t.Errorf("pool %s has %s, %s; the bootstrap served %s",
				role, p.Spec.Configuration.Name, p.Status.Configuration.Name, name)
		}
		var c mcfgv1.MachineConfig
		f.Get(machine+"/machineconfigs/"+name, &c)
		if len(c.Spec.Config.Raw) < 1000 {
			t.Errorf("machine config %s is not in the cluster", name)
		}
	}
	f.Writes()
	reconcile(t, o)
	for _, w := range f.Writes() {
		t.Errorf("a second sync wrote %s", w)
	}
}

func TestOperatorStatus(t *testing.T) {
	f, o, names := cluster(t)
	if reconcile(t, o) {
		t.Error("settled without servers")
	}
	got := conditions(f)
	if got["Available"] != "False" || got["Progressing"] != "True" || got["Degraded"] != "False" {
		t.Errorf("without servers: %v", got)
	}
	f.Put("/apis/apps/v1"+"/namespaces/"+namespace+"/daemonsets/machine-config-server", []byte(`
status: {numberAvailable: 3, desiredNumberScheduled: 3, updatedNumberScheduled: 3}`))
	reconcile(t, o)
	if got = conditions(f); got["Available"] != "True" || got["Progressing"] != "True" {
		t.Errorf("before the nodes said what they have: %v", got)
	}

	annotations := filepath.Join(t.TempDir(), "annotations.json")
	write(t, annotations, []byte(`{"`+annotationCurrent+`":"`+names["master"]+`","`+
		annotationDesired+`":"`+names["master"]+`","`+annotationState+`":"Done"}`))
	for i := range 3 {
		if err := annotate(t.Context(), o.client, fmt.Sprintf("m%d", i), annotations); err != nil {
			t.Fatal(err)
		}
	}
	if !reconcile(t, o) {
		t.Error("not settled")
	}
	got = conditions(f)
	if got["Available"] != "True" || got["Progressing"] != "False" || got["Degraded"] != "False" {
		t.Errorf("in the end: %v", got)
	}
	var co configv1.ClusterOperator
	f.Get(operators, &co)
	if len(co.Status.Versions) != 1 || co.Status.Versions[0].Version != o.version {
		t.Errorf("versions: %v", co.Status.Versions)
	}
	var p mcfgv1.MachineConfigPool
	f.Get(machine+"/machineconfigpools/master", &p)
	if s := p.Status; s.MachineCount != 3 || s.UpdatedMachineCount != 3 || s.ReadyMachineCount != 3 {
		t.Errorf("pool status: %+v", s)
	}

	// A change by the user makes the nodes out of date, and is not hidden.
	f.Put(machine+"/machineconfigs/99-master-more", []byte(`
metadata: {name: 99-master-more, labels: {machineconfiguration.openshift.io/role: master}}
spec: {config: {ignition: {version: 3.2.0}, systemd: {units: [{name: x.service, mask: true}]}}}`))
	reconcile(t, o)
	f.Get(machine+"/machineconfigpools/master", &p)
	if p.Status.UpdatedMachineCount != 0 || conditions(f)["Progressing"] != "True" {
		t.Errorf("after a user's change: %+v", p.Status)
	}

	// A config that cannot be rendered degrades the operator.
	f.Put(machine+"/machineconfigs/99-master-more", []byte(`
metadata: {name: 99-master-more, labels: {machineconfiguration.openshift.io/role: master}}
spec: {config: {ignition: {version: 7.0.0}}}`))
	if _, err := o.sync(t.Context()); err == nil {
		t.Error("a config of spec 7 was rendered")
	}
	if got = conditions(f); got["Degraded"] != "True" {
		t.Errorf("after a broken config: %v", got)
	}
}

func TestMastersSchedulable(t *testing.T) {
	f, o, _ := cluster(t)
	const worker = "node-role.kubernetes.io/worker"
	for _, want := range []bool{false, true, false} {
		f.Put(config+"/schedulers/cluster", fmt.Appendf(nil, "spec: {mastersSchedulable: %v}", want))
		reconcile(t, o)
		var n corev1.Node
		f.Get(core+"/nodes/m0", &n)
		_, labelled := n.Labels[worker]
		if labelled != want || (len(n.Spec.Taints) == 0) != want {
			t.Errorf("schedulable %v: labels %v, taints %v", want, n.Labels, n.Spec.Taints)
		}
		var p mcfgv1.MachineConfigPool
		f.Get(machine+"/machineconfigpools/worker", &p)
		if p.Status.MachineCount != 0 {
			t.Errorf("schedulable %v: a master counts as a worker", want)
		}
	}
}

// TestClusterServer serves workers, which the bootstrap's server refuses.
func TestClusterServer(t *testing.T) {
	_, o, names := cluster(t)
	tokens := t.TempDir()
	src := clusterSource{client: o.client, tokens: tokens}
	srv := httptest.NewTLSServer(handler(src.serve, slog.New(slog.DiscardHandler)))
	defer srv.Close()
	get := func(pool string) int {
		resp, err := srv.Client().Get(srv.URL + "/config/" + pool)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := get("worker"); got != http.StatusInternalServerError {
		t.Errorf("before the pool is rendered: %d", got)
	}
	reconcile(t, o)
	if got := get("worker"); got != http.StatusInternalServerError {
		t.Errorf("without a token: %d", got)
	}
	write(t, filepath.Join(tokens, "token"), []byte("the-token"))
	write(t, filepath.Join(tokens, "ca.crt"), []byte("the CA"))
	if got := get("worker"); got != http.StatusOK {
		t.Errorf("worker: %d", got)
	}
	if got := get("infra"); got != http.StatusNotFound {
		t.Errorf("unknown pool: %d", got)
	}
	s, err := src.serve(t.Context(), "worker")
	if err != nil {
		t.Fatal(err)
	}
	if s.config.Name != names["worker"] || string(s.kubeletCA) != "client CAs\n" {
		t.Errorf("served %s with CA %q", s.config.Name, s.kubeletCA)
	}
	for _, want := range []string{
		"server: https://api-int.demo.okd.test:6443", "token: the-token", "certificate-authority-data: dGhlIENB",
	} {
		if !strings.Contains(string(s.kubeconfig), want) {
			t.Errorf("kubeconfig lacks %q:\n%s", want, s.kubeconfig)
		}
	}
}
