//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"
)

// guestTemplate is a VM from the lab's container disk, and a service before it.
var guestTemplate = template.Must(template.New("guest").Parse(`
apiVersion: v1
kind: Namespace
metadata:
  name: vms
  labels: {pod-security.kubernetes.io/enforce: privileged}
---
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: guest, namespace: vms}
spec:
  runStrategy: Always
  template:
    metadata:
      labels: {app: guest}
    spec:
      evictionStrategy: LiveMigrate
      terminationGracePeriodSeconds: 10
      domain:
        memory: {guest: 128Mi}
        devices:
          disks: [{name: root, disk: {bus: virtio}}]
          interfaces: [{name: default, masquerade: {}, ports: [{port: 80}]}]
      networks: [{name: default, pod: {vmNetworkCIDR: 198.19.255.0/24}}]
      volumes: [{name: root, containerDisk: {image: "{{.}}"}}]
---
apiVersion: v1
kind: Service
metadata: {name: guest, namespace: vms}
spec:
  selector: {app: guest}
  ports: [{port: 80}]
`))

const move = `
apiVersion: kubevirt.io/v1
kind: VirtualMachineInstanceMigration
metadata: {name: move, namespace: vms}
spec: {vmiName: guest}
`

// apply writes objects to a file and applies it.
func (c *cluster) apply(t *testing.T, name string, text []byte) {
	t.Helper()
	path := filepath.Join(c.work, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c.kubectl(t, "apply", "--server-side", "--filename", path)
}

// unschedulable names workers that do not take VMs yet.
func (c *cluster) unschedulable(t *testing.T) string {
	t.Helper()
	able := strings.Fields(c.kubectl(t, "get", "node", "--selector", "kubevirt.io/schedulable=true", "--output=name"))
	for _, name := range c.workers(t) {
		if !slices.Contains(able, "node/"+name) {
			return fmt.Sprintf("node %s takes no VMs; only %q do", name, able)
		}
	}
	return ""
}

// vmi is what the tests read of a running VM.
type vmi struct {
	Metadata struct{ UID string }
	Status   struct {
		Phase, NodeName string
		Conditions      []struct{ Type, Status, Reason, Message string }
	}
}

func (v vmi) is(condition string) bool {
	for _, c := range v.Status.Conditions {
		if c.Type == condition {
			return c.Status == "True"
		}
	}
	return false
}

func (c *cluster) guest(t *testing.T) (v vmi) {
	t.Helper()
	if out, err := c.tryKubectl(t, "get", "--output=json", "--namespace", "vms", "vmi", "guest"); err == nil {
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func (c *cluster) startGuest(t *testing.T, disk string) {
	var text bytes.Buffer
	if err := guestTemplate.Execute(&text, disk); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	c.apply(t, "guest.yaml", text.Bytes())
	eventually(t, 3*time.Minute, func() string {
		if v := c.guest(t); v.Status.Phase != "Running" || !v.is("Ready") {
			return fmt.Sprintf("the VM: %+v", v.Status)
		}
		return ""
	})
	measured(t, "KubeVirt: a VM Running after %.0f s", time.Since(start).Seconds())
	eventually(t, 3*time.Minute, func() string {
		if v := c.guest(t); !v.is("AgentConnected") {
			return fmt.Sprintf("no word of the guest's agent: %+v", v.Status)
		}
		return ""
	})
	measured(t, "KubeVirt: the guest's agent connected after %.0f s", time.Since(start).Seconds())
	if v := c.guest(t); !v.is("LiveMigratable") {
		t.Errorf("the VM cannot migrate: %+v", v.Status.Conditions)
	}
}

// guestState is what the guest answers by HTTP through a service.
func (c *cluster) guestState(t *testing.T) (boot string, uptime float64) {
	t.Helper()
	eventually(t, time.Minute, func() string {
		out, err := c.tryKubectl(t, "get", "--raw", "/api/v1/namespaces/vms/services/guest:80/proxy/cgi-bin/state")
		if err != nil {
			return err.Error()
		}
		found := regexp.MustCompile(`(?m)^boot (\S+)\nuptime (\S+)$`).FindStringSubmatch(out)
		if found == nil {
			return "the guest says " + out
		}
		boot = found[1]
		uptime, err = strconv.ParseFloat(found[2], 64)
		if err != nil {
			return err.Error()
		}
		return ""
	})
	return boot, uptime
}

// console looks for the guest's login at the console, by virtctl.
func (c *cluster) console(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := c.command(ctx, "exec", "--",
		"virtctl", "--kubeconfig", c.kubeconfig(), "--namespace", "vms", "console", "guest")
	var out output
	cmd.Stdout, cmd.Stderr = &out, &out
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel()
		_ = cmd.Wait()
	}()
	eventually(t, 45*time.Second, func() string {
		_, _ = in.Write([]byte("\n"))
		if !strings.Contains(out.String(), "login:") {
			return "no login at the console: " + out.String()
		}
		return ""
	})
}

func (c *cluster) migrates(t *testing.T) {
	before := c.guest(t)
	boot, uptime := c.guestState(t)
	start := time.Now()
	c.apply(t, "move.yaml", []byte(move))
	eventually(t, 4*time.Minute, func() string {
		var m struct {
			Status struct {
				Phase          string
				MigrationState struct{ FailureReason, TargetNode string }
			}
		}
		c.get(t, &m, "--namespace", "vms", "vmim", "move")
		if m.Status.Phase == "Failed" {
			t.Fatalf("the migration failed: %+v", m.Status)
		}
		if m.Status.Phase != "Succeeded" {
			return fmt.Sprintf("the migration: %+v", m.Status)
		}
		return ""
	})
	measured(t, "KubeVirt: a VM migrated after %.0f s", time.Since(start).Seconds())
	after := c.guest(t)
	if after.Status.NodeName == before.Status.NodeName || after.Metadata.UID != before.Metadata.UID {
		t.Errorf("before %+v, after %+v", before, after)
	}
	sameBoot, later := c.guestState(t)
	if sameBoot != boot || later <= uptime {
		t.Errorf("the guest was started again: boot %s, then %s; uptime %g, then %g", boot, sameBoot, uptime, later)
	}
	c.console(t)
}

// virtualizationFigures measures what the programs take.
func (c *cluster) virtualizationFigures(t *testing.T) {
	const largest = `ps -eo rss=,comm= | awk '/virt|qemu/ { if ($1 > m[$2]) m[$2] = $1 }
		END { for (p in m) printf "%s %d MiB\n", p, m[p] / 1024 }' | sort`
	for _, name := range slices.Concat(c.masters(t), c.workers(t)) {
		out, err := c.on(t, name, largest)
		if err != nil {
			t.Fatal(err)
		}
		if out = strings.Join(strings.Split(strings.TrimSpace(out), "\n"), ", "); out != "" {
			measured(t, "KubeVirt: %s: %s", name, out)
		}
	}
}

// restartsNodeWithoutGuest switches a worker off and on; it takes VMs again, and the
// VM on the other one does not notice.
func (c *cluster) restartsNodeWithoutGuest(t *testing.T) {
	home := c.guest(t).Status.NodeName
	boot, _ := c.guestState(t)
	workers := slices.DeleteFunc(c.workers(t), func(n string) bool { return n == home })
	if len(workers) == 0 {
		t.Fatalf("no worker besides %s", home)
	}
	ready := func() string {
		return c.kubectl(t, "get", "pod", "--namespace", virtualizationNamespace, "--selector", "kubevirt.io=virt-handler",
			"--field-selector", "spec.nodeName="+workers[0], "--output",
			`jsonpath={.items[*].status.containerStatuses[*].ready} {.items[*].status.containerStatuses[*].restartCount}`)
	}
	before := ready()
	c.press(t, workers[0], "reset")
	eventually(t, 4*time.Minute, func() string {
		now := ready()
		if now == before || !strings.HasPrefix(now, "true") {
			return fmt.Sprintf("virt-handler on %s: %q, before %q", workers[0], now, before)
		}
		return c.unschedulable(t)
	})
	if after, _ := c.guestState(t); after != boot {
		t.Errorf("the guest was started again: boot %s, then %s", boot, after)
	}
}

// explainVMs prints what an operator would look at.
func (c *cluster) explainVMs(t *testing.T) {
	t.Helper()
	for _, args := range [][]string{
		{"get", "pods", "--all-namespaces", "--output=wide"},
		{"get", "vmi,vmim", "--all-namespaces", "--output=yaml"},
		{"get", "events", "--all-namespaces", "--sort-by=.lastTimestamp"},
		{"logs", "--namespace", virtualizationNamespace, "--selector", "kubevirt.io=virt-handler", "--tail=60", "--prefix"},
		{"logs", "--namespace", "vms", "--selector", "kubevirt.io=virt-launcher", "--tail=60", "--prefix"},
	} {
		out, err := c.tryKubectl(t, args...)
		t.Logf("kubectl %s: %v\n%s", strings.Join(args, " "), err, last(out, 200))
	}
}
