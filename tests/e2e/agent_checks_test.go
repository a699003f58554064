//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/okd-install/okd-install/pkg/lab/daemon"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/tests/internal/leaks"
)

// logLine is a line of the installer's log.
var logLine = regexp.MustCompile(`^time="([^"]+)" level=\w+ msg="?(.*)$`)

// timeline measures the phases of the installation, from what agent wait-for has logged.
func (a *agents) timeline(t *testing.T) {
	t.Helper()
	f, err := os.Open(filepath.Join(a.dir, ".openshift_install.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// Each phase ends with the last line that has its words.
	phases := []struct{ name, words string }{
		{"all hosts registered", "has registered"},
		{"checks passed", "is ready"},
		{"disks written", "has written its disk"},
		{"nodes joined while the bootstrap ran", "is a node of the cluster"},
		{"control plane took over", "Phase bootstrap-complete: done"},
		{"all nodes joined", "Phase nodes-joined: done"},
		{"install complete", "Install complete!"},
	}
	ends := map[string]time.Time{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		m := logLine.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		at, err := time.Parse(time.RFC3339, m[1])
		if err != nil {
			t.Fatalf("line %q: %v", lines.Text(), err)
		}
		for _, p := range phases {
			if strings.Contains(m[2], p.words) {
				ends[p.name] = at
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	for _, p := range phases {
		if at, said := ends[p.name]; said {
			measured(t, "%s: %s after %.0f s", a.layout(), p.name, at.Sub(a.began).Seconds())
		}
	}
	if ends["install complete"].IsZero() || ends["all hosts registered"].IsZero() {
		t.Error("the log does not say when the hosts registered and the installation was complete")
	}
}

// topology checks what docs/user/layouts.md says that the cluster is told of its layout.
func (a *agents) topology(t *testing.T) {
	var infra configv1.Infrastructure
	a.get(t, &infra, "infrastructure", "cluster")
	var scheduler configv1.Scheduler
	a.get(t, &scheduler, "scheduler", "cluster")
	control, workload := configv1.HighlyAvailableTopologyMode, configv1.HighlyAvailableTopologyMode
	switch {
	case a.single():
		control, workload = configv1.SingleReplicaTopologyMode, configv1.SingleReplicaTopologyMode
	case a.size.arbiters > 0:
		control = configv1.HighlyAvailableArbiterMode
	}
	if s := infra.Status; s.ControlPlaneTopology != control || s.InfrastructureTopology != workload {
		t.Errorf("topology of the control plane %s and of the infrastructure %s, want %s and %s",
			s.ControlPlaneTopology, s.InfrastructureTopology, control, workload)
	}
	if got, want := scheduler.Spec.MastersSchedulable, a.size.workers == 0; got != want {
		t.Errorf("masters are schedulable: %v, want %v", got, want)
	}
	for _, name := range a.arbiters(t) {
		var pods corev1.PodList
		a.get(t, &pods, "pods", "--all-namespaces", "--field-selector", "spec.nodeName="+name)
		for _, p := range pods.Items {
			if slices.Contains([]string{"openshift-kube-apiserver", "openshift-ingress", "openshift-console"}, p.Namespace) {
				t.Errorf("pod %s/%s runs on %s", p.Namespace, p.Name, name)
			}
		}
	}
}

// hintedDisk checks that of the host's two disks only the one that was hinted at was written.
func (a *agents) hintedDisk(t *testing.T) {
	name := a.hosts[len(a.hosts)-1].Name
	var h daemon.Host
	if err := json.Unmarshal([]byte(a.okdLab(t, "hosts", "show", name)), &h); err != nil {
		t.Fatal(err)
	}
	for i, written := range []bool{false, true} {
		image := a.File(filepath.Join("volumes", fmt.Sprintf("disk-%s-%d", h.ID, i+1), "*"))
		blocks := int64(0)
		files, err := filepath.Glob(image)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if st, ok := info.Sys().(*syscall.Stat_t); ok && info.Size() == h.Disks[i].Size {
				blocks += st.Blocks
			}
		}
		if (blocks > 0) != written {
			t.Errorf("disk %d of %s, serial number %s, has %d blocks: written is %v, want %v", i+1, name,
				h.Disks[i].Serial, blocks, blocks > 0, written)
		}
	}
}

// staticNetwork checks that every node has its name, and its address from a profile of
// NetworkManager.
func (a *agents) staticNetwork(t *testing.T) {
	for _, h := range a.hosts {
		const script = "hostname; nmcli --get-values GENERAL.CONNECTION device show eno1 || nmcli device show; " +
			"ip -4 -oneline address show scope global; cat /etc/NetworkManager/system-connections/*"
		out, err := a.on(t, h.Name, script)
		if err != nil {
			t.Errorf("%s: %v\n%s", h.Name, err, out)
			continue
		}
		if name, _, _ := strings.Cut(out, "\n"); name != h.Name {
			t.Errorf("the hostname of %s is %s", h.Name, name)
		}
		address := fmt.Sprintf("%s/%d", h.Address, network.MachineNetwork.Bits())
		held := regexp.MustCompile(`inet ` + regexp.QuoteMeta(address) + ` .*valid_lft forever`)
		profile := regexp.MustCompile(`(?m)^address1=` + regexp.QuoteMeta(address))
		if !held.MatchString(out) || strings.Contains(out, " dynamic ") {
			t.Errorf("%s does not have the static address %s, or one of DHCP:\n%s", h.Name, address, out)
		}
		if !profile.MatchString(out) || !strings.Contains(out, "method=manual") {
			t.Errorf("%s has no profile with address %s:\n%s", h.Name, address, out)
		}
	}
}

// liveParts prints what there is of a live system.
const liveParts = `for path in /etc/okd-agent /var/lib/okd-agent /usr/local/bin/okd-install \
	/opt/openshift/agent-hosts.json /opt/openshift/auth /opt/openshift/tls /etc/kubernetes/bootstrap-secrets \
	/run/media/iso /boot/ignition/config.ign /etc/coreos-firstboot-network; do
	[ ! -e "$path" ] || echo "$path"
done
systemctl list-unit-files --no-legend | grep -E '^okd-(agent|bootstrap)'
find /etc/systemd /usr/local /opt /etc/containers /etc/NetworkManager -name '*okd-agent*' 2>/dev/null || true`

// nothingLive checks that nothing of the live system is on the nodes: no agent, no bootstrap, no
// Ignition configs, and neither keys nor tokens of the image.
func (a *agents) nothingLive(t *testing.T) {
	if a.single() {
		a.onlyInstalled(t)
	} else {
		a.noBootstrapPods(t, "bootstrap")
	}
	secrets := a.imageSecrets(t)
	for _, h := range a.hosts {
		out, err := a.on(t, h.Name, liveParts)
		if err != nil || strings.TrimSpace(out) != "" {
			t.Errorf("%s has units or files of the live system: %v\n%s", h.Name, err, out)
		}
		a.noUnitFailed(t, h.Name)
		if out := a.filesWith(t, h.Name, secrets); out != "" {
			t.Errorf("%s has tokens of the image in %s", h.Name, out)
		}
	}
	if out := a.filesWith(t, a.hosts[0].Name, map[string]string{"name": "api-int." + a.domain()}); out == "" {
		t.Error("the search finds nothing at all")
	}
}

// filesWith lists the files of a node that have one of the texts.
func (a *agents) filesWith(t *testing.T, node string, texts map[string]string) string {
	t.Helper()
	const search = "grep -rlsF -D skip --exclude-dir=containers --exclude-dir=etcd -f - " +
		"/etc /opt /root /home /boot /usr/local /var/lib /var/log"
	cmd := a.command(t.Context(), "machines", "exec", node, "--", "sh", "-c", search+" || true")
	// Not as arguments, which others see.
	cmd.Stdin = strings.NewReader(strings.Join(slices.Collect(maps.Values(texts)), "\n") + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("search the disk of %s: %v\n%s", node, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (a *agents) domain() string { return filepath.Base(a.dir) + "." + network.BaseDomain }

// storedToken is a token in the state file.
var storedToken = regexp.MustCompile(`"(agent|watcher)": ?"([A-Za-z0-9]{43})"`)

// imageSecrets are those that only the image has: tokens and the key of the agents' service.
func (a *agents) imageSecrets(t *testing.T) leaks.Secrets {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(a.dir, ".openshift_install_state.json"))
	if err != nil {
		t.Fatal(err)
	}
	found := leaks.Secrets{}
	for _, m := range storedToken.FindAllStringSubmatch(string(data), -1) {
		found["token of "+m[1]] = m[2]
	}
	if len(found) < 2 {
		t.Fatalf("only %d tokens were found in the state; has its format changed?", len(found))
	}
	return found
}

// imageKeepsSecrets checks that no output has secrets, and that only the owner can read files
// that have.
func (a *agents) imageKeepsSecrets(t *testing.T) {
	secrets := a.secrets(t, a.dir)
	for name, value := range a.imageSecrets(t) {
		secrets[name] = value
	}
	texts := map[string]string{}
	for _, r := range a.runs {
		texts["output of "+r.String()] = passwordLine.ReplaceAllString(r.stdout.String()+r.stderr.String(), "")
	}
	log, err := os.ReadFile(filepath.Join(a.dir, ".openshift_install.log"))
	if err != nil {
		t.Fatal(err)
	}
	texts["the log"] = string(log)
	for _, h := range a.hosts {
		out, err := a.tryLab(t, "hosts", "console", h.Name)
		if err != nil {
			t.Error(err)
		}
		texts["the console of "+h.Name] = out
	}
	for _, line := range a.watch.lines() {
		texts[fmt.Sprintf("the command line %.60s…", line)] = line
	}
	for what, text := range texts {
		if name := secrets.Known(text); name != "" {
			t.Errorf("%s shows %s", what, name)
		}
	}
	for _, name := range []string{"agent.x86_64.iso", "agent-logs.tar"} {
		info, err := os.Stat(filepath.Join(a.dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want mode 0600", name, info, err)
		}
	}
	if data, err := os.ReadFile(filepath.Join(a.dir, "agent-logs.tar")); err == nil {
		if name := secrets.Known(string(data)); name != "" {
			t.Errorf("agent-logs.tar has %s", name)
		}
	}
}

// approver checks that the Job that approves certificates works, or has ended and taken its
// rights with it. In the full tier it has to end.
func (a *agents) approver(t *testing.T) {
	const namespace, name = "okd-agent-install", "okd-agent-approver"
	var status batchv1.JobStatus
	took := eventually(t, 4*time.Minute, func() string {
		var jobs batchv1.JobList
		a.get(t, &jobs, "jobs", "-n", namespace)
		i := slices.IndexFunc(jobs.Items, func(j batchv1.Job) bool { return j.Name == name })
		if i < 0 {
			t.Fatalf("there is no Job %s", name)
		}
		status = jobs.Items[i].Status
		if status.Succeeded != 1 && (status.Active != 1 || *tier == "full") {
			return fmt.Sprintf("the Job has not ended: %+v", status)
		}
		return ""
	})
	log := a.kubectl(t, "logs", "-n", namespace, "job/"+name)
	if status.Succeeded != 1 {
		t.Logf("the Job is still waiting: %s", last(log, 1))
		return
	}
	t.Logf("the Job ended %.0f s after the other checks", took.Seconds())
	if want := fmt.Sprintf("all %d nodes are Ready", len(a.hosts)); !strings.Contains(log, want) {
		t.Errorf("the log of the Job does not say %q:\n%s", want, last(log, 10))
	}
	var bindings rbacv1.ClusterRoleBindingList
	a.get(t, &bindings, "clusterrolebindings")
	for _, b := range bindings.Items {
		for _, s := range b.Subjects {
			if s.Namespace == namespace || b.Name == name {
				t.Errorf("ClusterRoleBinding %s is left", b.Name)
			}
		}
	}
}
