//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/lab/machine"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
	"github.com/okd-install/okd-install/tests/internal/leaks"
)

// installBudget is how long an installation may take on a busy machine.
const installBudget = 12 * time.Minute

type size struct{ masters, arbiters, workers int }

var standard = size{masters: 3, workers: 2}

// cluster is one cluster and its directory.
type cluster struct {
	*lab
	dir  string
	size size
	runs []*run
	// own machines are made without the engine and named after their role only.
	upi bool
	// choice are the flags that tell create cluster which release to
	// install, empty where the environment says it.
	choice []string
	// single is one machine that is all nodes.
	single bool
}

// newCluster writes an install-config for one of the clusters that are in the lab's
// DNS.
func (l *lab) newCluster(t *testing.T, name string, s size) *cluster {
	t.Helper()
	dir := filepath.Join(l.work, strings.ReplaceAll(t.Name(), "/", "-")+"-"+name)
	l.config(t, dir, "--name", name, "--masters", fmt.Sprint(s.masters), "--workers", fmt.Sprint(s.workers))
	c := &cluster{lab: l, dir: dir, size: s}
	t.Cleanup(func() {
		if t.Failed() && len(c.runs) > 0 {
			l.explain(t, c.runs[len(c.runs)-1])
		}
	})
	return c
}

// config writes install-config.yaml into a new directory, for a cluster without virtualization.
func (l *lab) config(t *testing.T, dir string, args ...string) {
	t.Helper()
	text := l.okdLab(t, append([]string{"install-config"}, args...)...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"install-config.yaml": text, virtualization.File: virtualizationHead + "enabled: false\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *cluster) create(t *testing.T, args ...string) *run {
	t.Helper()
	r := c.start(t, c.dir, nil, slices.Concat([]string{"create", "cluster"}, c.choice, args)...)
	c.runs = append(c.runs, r)
	return r
}

// complete runs create cluster to its end.
func (c *cluster) complete(t *testing.T) *run {
	t.Helper()
	r := c.create(t)
	if code := r.end(t, installBudget); code != 0 {
		t.Fatalf("%s: exit code %d, want 0", r, code)
	}
	if !strings.Contains(r.stderr.String(), "Install complete!") {
		t.Errorf("%s does not say that the installation is complete", r)
	}
	return r
}

func (c *cluster) infraID(t *testing.T) string {
	t.Helper()
	var meta struct{ InfraID string }
	data, err := os.ReadFile(filepath.Join(c.dir, "metadata.json"))
	if err == nil {
		err = json.Unmarshal(data, &meta)
	}
	if err != nil || meta.InfraID == "" {
		t.Fatalf("infrastructure id %q: %v", meta.InfraID, err)
	}
	return meta.InfraID
}

// kubectl runs a command against the cluster, which must succeed.
func (c *cluster) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := c.tryKubectl(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (c *cluster) tryKubectl(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return c.inside(t, append([]string{"kubectl", "--kubeconfig", c.kubeconfig(), "--request-timeout=10s"}, args...)...)
}

func (c *cluster) kubeconfig() string { return filepath.Join(c.dir, "auth", "kubeconfig") }

// get decodes the output of kubectl get.
func (c *cluster) get(t *testing.T, into any, args ...string) {
	t.Helper()
	out := c.kubectl(t, append([]string{"get", "-o", "json"}, args...)...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatal(err)
	}
}

// names returns the names of the machines that the cluster must have.
func (c *cluster) names(t *testing.T, role string, n int) []string {
	t.Helper()
	if c.single && role == "master" {
		return []string{theNode}
	}
	var out []string
	for i := range n {
		name := fmt.Sprintf("%s-%d", role, i)
		if !c.upi {
			name = c.infraID(t) + "-" + name
		}
		out = append(out, name)
	}
	return out
}

func (c *cluster) masters(t *testing.T) []string  { return c.names(t, "master", c.size.masters) }
func (c *cluster) arbiters(t *testing.T) []string { return c.names(t, "arbiter", c.size.arbiters) }

// workers are the nodes for workload, which are the masters if there are no others.
func (c *cluster) workers(t *testing.T) []string {
	if c.size.workers == 0 {
		return c.masters(t)
	}
	return c.names(t, "worker", c.size.workers)
}

// own returns the machines of this cluster.
func (c *cluster) own(t *testing.T) []machine.Status {
	t.Helper()
	if c.upi {
		return c.machines(t)
	}
	prefix := c.infraID(t) + "-"
	return slices.DeleteFunc(c.machines(t), func(m machine.Status) bool { return !strings.HasPrefix(m.Name, prefix) })
}

func ready(n corev1.Node) bool {
	for _, cond := range n.Status.Conditions {
		if cond.Type == corev1.NodeReady {
			return cond.Status == corev1.ConditionTrue
		}
	}
	return false
}

// releaseInstalled checks that the cluster runs the release that was asked for.
func (c *cluster) releaseInstalled(t *testing.T) {
	want := c.release(t).Version
	got := c.kubectl(t, "get", "clusterversion", "version",
		"-o", "jsonpath={.status.desired.version} {.status.history[0].state}")
	if got != want+" Completed" {
		t.Errorf("the cluster's version is %s, want %s Completed", got, want)
	}
	measured(t, "release: %s", want)
}

func (c *cluster) nodesReady(t *testing.T) {
	var list corev1.NodeList
	c.get(t, &list, "nodes")
	roles := map[string][]string{}
	for _, n := range list.Items {
		if !ready(n) {
			t.Errorf("node %s is not Ready: %+v", n.Name, n.Status.Conditions)
		}
		for _, role := range []string{"control-plane", "arbiter", "worker"} {
			if _, has := n.Labels["node-role.kubernetes.io/"+role]; has {
				roles[role] = append(roles[role], n.Name)
			}
		}
	}
	for role, want := range map[string][]string{
		"control-plane": c.masters(t), "arbiter": c.arbiters(t), "worker": c.workers(t),
	} {
		slices.Sort(roles[role])
		if !slices.Equal(roles[role], want) {
			t.Errorf("%s nodes are %v, want %v", role, roles[role], want)
		}
	}
}

// nothingTwice checks that the engine has each part of the cluster exactly once.
func (c *cluster) nothingTwice(t *testing.T) {
	infra, inv := c.infraID(t), c.inventory(t)
	var vms, disks, templates, tags, groups []string
	ours := func(list []string, name string) []string {
		if strings.Contains(name, infra) {
			return append(list, name)
		}
		return list
	}
	for _, vm := range inv.VMs {
		vms = ours(vms, vm.Name)
		if strings.Contains(vm.Name, infra) && (len(vm.Disks) != 1 || len(vm.NICs) != 1) {
			t.Errorf("%s has %d disks and %d network interfaces", vm.Name, len(vm.Disks), len(vm.NICs))
		}
	}
	for _, d := range inv.Disks {
		disks = ours(disks, d.Alias)
	}
	for _, x := range inv.Templates {
		templates = ours(templates, x.Name)
	}
	for _, x := range inv.Tags {
		tags = ours(tags, x.Name)
	}
	for _, x := range inv.AffinityGroups {
		groups = ours(groups, x.Name)
	}
	image := infra + "-rhcos"
	wantVMs := append(c.masters(t), c.workers(t)...)
	for _, x := range []struct {
		what       string
		have, want []string
	}{
		{"virtual machines", vms, wantVMs},
		{"disks (one each, and the template's)", disks, slices.Repeat([]string{image}, len(wantVMs)+1)},
		{"templates", templates, []string{image}},
		{"tags", tags, []string{infra}},
		{"affinity groups", groups, []string{infra + "-compute", infra + "-controlplane"}},
	} {
		slices.Sort(x.have)
		slices.Sort(x.want)
		if !slices.Equal(x.have, x.want) {
			t.Errorf("%s of the cluster: %v, want %v", x.what, x.have, x.want)
		}
	}
	if got, want := len(c.own(t)), len(wantVMs); got != want {
		t.Errorf("the hypervisors have %d machines of the cluster, want %d", got, want)
	}
	c.noOpenTransfers(t)
}

// noOpenTransfers checks that every image transfer has ended.
func (c *cluster) noOpenTransfers(t *testing.T) {
	t.Helper()
	var inv struct {
		History struct {
			Transfers []struct{ ID, Phase string } `json:"transfers"`
		} `json:"history"`
	}
	if err := json.Unmarshal([]byte(c.okdLab(t, "inventory")), &inv); err != nil {
		t.Fatal(err)
	}
	for _, x := range inv.History.Transfers {
		if x.Phase != "finished_success" && x.Phase != "finished_failure" && x.Phase != "cancelled" {
			t.Errorf("image transfer %s is still in phase %s", x.ID, x.Phase)
		}
	}
}

// passwordLine is the only line that may show a secret, at the end of the
// installation.
var passwordLine = regexp.MustCompile(`(?m)^.*Login to the console with user: .*kubeadmin.*$`)

func (l *lab) secrets(t *testing.T, dir string) leaks.Secrets {
	t.Helper()
	f := l.facts(t)
	var pull struct {
		Auths map[string]struct{ Auth string } `json:"auths"`
	}
	data, err := os.ReadFile(f.Registry.PullSecret)
	if err == nil {
		err = json.Unmarshal(data, &pull)
	}
	s := leaks.Secrets{"engine password": f.Engine.Password, "registry password": f.Registry.Password}
	for host, x := range pull.Auths {
		s["pull secret of "+host] = x.Auth
	}
	if err != nil || len(s) < 3 {
		t.Fatalf("read pull secret: %v", err)
	}
	if err := s.Add(dir); err != nil {
		t.Fatal(err)
	}
	return s
}

func (c *cluster) keepsSecrets(t *testing.T) {
	secrets := c.secrets(t, c.dir)
	if password, err := os.ReadFile(filepath.Join(c.dir, "auth", "kubeadmin-password")); err != nil {
		t.Error(err)
	} else {
		secrets["kubeadmin password"] = string(password)
	}
	if len(secrets) < 20 {
		t.Fatalf("only %d secrets were found in the state; has its format changed?", len(secrets))
	}
	texts := map[string]string{}
	for _, r := range c.runs {
		if lines := passwordLine.FindAllString(r.stderr.String(), -1); len(lines) > 1 {
			t.Errorf("%s shows the password %d times", r, len(lines))
		}
		texts["standard output of "+r.String()] = r.stdout.String()
		texts["standard error of "+r.String()] = passwordLine.ReplaceAllString(r.stderr.String(), "")
	}
	for _, name := range []string{".openshift_install.log", ".okd_install_journal.json", "metadata.json"} {
		data, err := os.ReadFile(filepath.Join(c.dir, name))
		if err != nil {
			t.Error(err)
		}
		texts[name] = string(data)
	}
	plan := c.finish(t, time.Minute, 0, c.dir, "plan")
	texts["plan"] = plan.stdout.String() + plan.stderr.String()
	if len(c.runs) > 0 && !c.watch.saw("okd-install create cluster") {
		t.Error("no command line of okd-install was recorded")
	}
	// Command lines of other programs on this host may contain PRIVATE KEY.
	for _, line := range c.watch.lines() {
		if name := secrets.Known(line); name != "" {
			t.Errorf("command line %.60s… shows %s", line, name)
		}
	}
	for what, text := range texts {
		if name := secrets.In(text); name != "" {
			t.Errorf("%s shows %s", what, name)
		}
	}
	if n, err := secrets.Private(c.dir); err != nil || n < 3 {
		t.Errorf("%d files with secrets, readable by their owner only: %v", n, err)
	}
}
