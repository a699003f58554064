package proof_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/virtualization/proof"
	"github.com/okd-install/okd-install/pkg/virtualization/proof/kubevirttest"
)

// jumping is a clock whose time jumps by what it was asked to wait for; in truth it waits a fraction of that, so that
// other goroutines get on.
type jumping struct {
	mu    sync.Mutex
	begun time.Time
	now   time.Time
	later []appointment
	each  func() // after each jump

	turn sync.Mutex // of what happens after jumps
}

// appointment is what happens once so much time has passed.
type appointment struct {
	after time.Duration
	do    func()
}

func (c *jumping) at(after time.Duration, do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.later = append(c.later, appointment{after, do})
}

func (c *jumping) always(do func()) { c.each = do }

// due takes what is to be done now.
func (c *jumping) due() (list []func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.later = slices.DeleteFunc(c.later, func(a appointment) bool {
		now := c.now.Sub(c.begun) >= a.after
		if now {
			list = append(list, a.do)
		}
		return now
	})
	return list
}

func (c *jumping) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *jumping) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d / 500):
	}
	c.mu.Lock()
	c.now = c.now.Add(d)
	c.mu.Unlock()
	c.turn.Lock()
	defer c.turn.Unlock()
	for _, do := range c.due() {
		do()
	}
	if c.each != nil {
		c.each()
	}
	return nil
}

func (c *jumping) After(d time.Duration) <-chan time.Time {
	ch := make(chan time.Time, 1)
	ch <- c.Now().Add(d)
	return ch
}

func newClock() *jumping {
	now := time.Now()
	return &jumping{begun: now, now: now}
}

// world is a test of a cluster.
type world struct {
	*kubevirttest.Cluster
	proof.Test
	mu   sync.Mutex
	said []string
}

func newWorld(t *testing.T, f kubevirttest.Faults) *world {
	t.Helper()
	w := &world{Cluster: kubevirttest.New(t, f)}
	api, err := kube.New(w.Config())
	if err != nil {
		t.Fatal(err)
	}
	w.Test = proof.Test{API: api, Clock: newClock(), Options: proof.Options{Again: "x test"},
		Sink: event.SinkFunc(func(e event.Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.said = append(w.said, e.Message)
		})}
	return w
}

// namespaces are those of tests.
func (w *world) namespaces() (out []string) {
	for _, p := range w.Paths() {
		if name, is := strings.CutPrefix(p, "/api/v1/namespaces/okd-install-"); is && !strings.Contains(name, "/") {
			out = append(out, name)
		}
	}
	return out
}

func find(t *testing.T, r *proof.Report, name string) proof.Result {
	t.Helper()
	for _, result := range r.Results {
		if result.Name == name {
			return result
		}
	}
	t.Fatalf("no result of %s: %v", name, r.Results)
	return proof.Result{}
}

func TestAllPasses(t *testing.T) {
	w := newWorld(t, kubevirttest.Faults{})
	r := w.Run(t.Context())
	if r.Err() != nil || r.Count(proof.Passed) != len(proof.Checks())-1 || r.Count(proof.Skipped) != 1 {
		t.Fatalf("%v\n%+v", r.Err(), r.Results)
	}
	for i, name := range proof.Checks() {
		if r.Results[i].Name != name {
			t.Errorf("result %d is %s, want %s", i, r.Results[i].Name, name)
		}
	}
	for name, want := range map[string]string{
		proof.HyperConverged:  "1.16.0 is available",
		proof.KubeVirt:        "v1.6.0 is deployed",
		proof.Handlers:        "2 of 2",
		proof.Nodes:           "worker-0, worker-1",
		proof.Hosts:           "all nodes that take VMs offer KVM",
		proof.StorageProfiles: "hostpath: ReadWriteOnce Filesystem; VMs with such disks cannot be migrated",
		proof.DataSources:     "ready: fedora",
		proof.Running:         "runs on node worker-0",
		proof.Console:         `the last line is "login:"`,
		proof.Guest:           "Fedora Linux 42",
		proof.Volume:          "StorageClass hostpath",
		proof.Migration:       "from node worker-0 to node worker-1",
		proof.Reachability:    "OpenSSH",
		proof.CleanUp:         "is gone",
	} {
		if got := find(t, r, name); !strings.Contains(got.Reason, want) {
			t.Errorf("%s: %q, want %q", name, got.Reason, want)
		}
	}
	if left := w.namespaces(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestFailures(t *testing.T) {
	type want struct {
		status              proof.Status
		reason, cause, next string
	}
	const no = proof.Failed
	for name, tt := range map[string]struct {
		faults kubevirttest.Faults
		check  string
		want   want
		passes []string // that pass all the same
	}{
		"not schedulable": {
			kubevirttest.Faults{Unschedulable: "0/5 nodes are available: 2 Insufficient memory."}, proof.Running,
			want{no, "unschedulable", "0/5 nodes are available: 2 Insufficient memory. (since 2026-01-01", "--memory"},
			[]string{proof.Volume, proof.CleanUp},
		},
		"no KVM": {
			kubevirttest.Faults{Unschedulable: "0/5 nodes are available: 2 Insufficient devices.kubevirt.io/kvm."},
			proof.Running, want{no, "unschedulable", "kvm", "nested"}, nil,
		},
		"image": {
			kubevirttest.Faults{PullError: `Back-off pulling image "q": ErrImagePull: manifest unknown`}, proof.Running,
			want{no, "image disk cannot be pulled", "volumeroot-init waits: ImagePullBackOff", "name and tag"}, nil,
		},
		"instance refused": {
			kubevirttest.Faults{NoInstance: "exceeded quota: x"}, proof.Running,
			want{no, "its instance cannot be made", "FailedCreate: exceeded quota", "quota"}, nil,
		},
		"guest does not start": {
			kubevirttest.Faults{SyncError: "server error. command SyncVMI failed: \"no host-model\""}, proof.Running,
			want{no, "KubeVirt cannot start it", "SyncVMI failed", "virt-launcher"}, nil,
		},
		"guest ends": {
			kubevirttest.Faults{Ends: true}, proof.Running,
			want{no, "its instance has ended", "crashed", "logs"}, nil,
		},
		"namespaces are refused": {
			kubevirttest.Faults{QuotaPolicy: "no more namespaces"}, proof.Running,
			want{no, "namespace okd-install-virtualization-test-", "no more namespaces", "administrator"}, nil,
		},
		"no console bytes": {
			kubevirttest.Faults{Mute: true}, proof.Console,
			want{no, "no byte came", "/virtualmachineinstances/proof/console: open (since", "ttyS0"},
			[]string{proof.Guest, proof.Migration, proof.Reachability},
		},
		"console is always taken": {
			kubevirttest.Faults{BusyConsole: 1 << 20}, proof.Console,
			want{no, "no byte came", "was closed", "virt-api"}, []string{proof.Guest},
		},
		"guest is silent": {
			kubevirttest.Faults{NoAgent: true, Boot: "SeaBIOS (version 1)\r\nBooting from Hard Disk...\r\n"}, proof.Guest,
			want{no, "no sign of life", "AgentConnected is Unknown", "--image"}, []string{proof.Console},
		},
		"kernel panics": {
			kubevirttest.Faults{NoAgent: true, Boot: "Kernel panic - not syncing: VFS: no root\r\n"}, proof.Guest,
			want{no, "kernel gave up", "VFS: no root", "--image"}, nil,
		},
		"disk fails": {
			kubevirttest.Faults{DiskPhase: "Failed"}, proof.Volume, want{no, "it failed", "phase Failed", "describe"},
			[]string{proof.Running},
		},
		"import fails": {
			kubevirttest.Faults{DiskPhase: "ImportInProgress", DiskError: "Unable to connect: x509"}, proof.Volume,
			want{no, "the import fails", "condition Running is False: Error: Unable to connect: x509 (since", "describe"}, nil,
		},
		"storage is full": {
			kubevirttest.Faults{DiskEvent: "ProvisioningFailed", DiskMessage: "no space"}, proof.Volume,
			want{no, "its storage is not provided", "PersistentVolumeClaim proof-disk: ProvisioningFailed: no space",
				"provisioner"}, nil,
		},
		"disk is late": {
			kubevirttest.Faults{DiskPhase: "ImportScheduled"}, proof.Volume,
			want{no, "not done after 5m", "ImportScheduled", ""}, nil,
		},
		"not migratable": {
			kubevirttest.Faults{NotMigratable: "DisksNotLiveMigratable"}, proof.Migration,
			want{proof.Skipped, "LiveMigratable is False: DisksNotLiveMigratable: cannot migrate VMI", "", ""},
			[]string{proof.Reachability},
		},
		"migration refused": {
			kubevirttest.Faults{MigrationRefused: "in-flight migration detected"}, proof.Migration,
			want{no, "refused", "in-flight migration", "webhook"}, []string{proof.Reachability},
		},
		"migration fails": {
			kubevirttest.Faults{MigrationPhase: "Failed", MigrationReason: "no socket"}, proof.Migration,
			want{no, "migration failed", "phase Failed", "virt-handler"}, nil,
		},
		"migration's reason": {
			kubevirttest.Faults{MigrationPhase: "Failed", MigrationReason: "no socket"}, proof.Migration,
			want{no, "", "no socket", ""}, nil,
		},
		"migration has no place": {
			kubevirttest.Faults{TargetPod: "1 node(s) didn't match Pod's node affinity/selector"}, proof.Migration,
			want{no, "unschedulable", "the pod on the target", "CPU model"}, nil,
		},
		"no address": {
			kubevirttest.Faults{NoAddress: true}, proof.Reachability, want{no, "no address", "interface default", ""}, nil,
		},
		"not reachable": {
			kubevirttest.Faults{ProbeCode: 3}, proof.Reachability,
			want{no, "port 22 or 80", "Connection refused", "--guest-port"}, nil,
		},
		"no bash": {
			kubevirttest.Faults{ProbeStuck: `exec: "bash": not found`}, proof.Reachability,
			want{proof.Skipped, "has not what connecting takes", "", ""}, nil,
		},
		"not removed": {
			kubevirttest.Faults{Finalizer: "foregroundDeleteVirtualMachine"}, proof.CleanUp,
			want{no, "is not gone", "is being removed (since", "finalizers"}, []string{proof.Migration},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.faults)
			r := w.Run(t.Context())
			got := find(t, r, tt.check)
			if got.Status != tt.want.status || !strings.Contains(got.Reason, tt.want.reason) ||
				!strings.Contains(got.Cause, tt.want.cause) || !strings.Contains(got.Next, tt.want.next) {
				t.Errorf("%+v\nwant %+v", got, tt.want)
			}
			if err := r.Err(); (err == nil) != (tt.want.status == proof.Skipped) ||
				err != nil && (exit.Code(err) != exit.Other || !strings.Contains(err.Error(), tt.check)) {
				t.Errorf("error %v", err)
			}
			for _, name := range tt.passes {
				if got := find(t, r, name); got.Status != proof.Passed {
					t.Errorf("%+v", got)
				}
			}
			if left := w.namespaces(); len(left) > 0 && tt.faults.Finalizer == "" {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// A VM that has moved is connected to at the address that it has now, even if its instance says so late.
func TestAddressAfterMigration(t *testing.T) {
	w := newWorld(t, kubevirttest.Faults{LateAddress: true})
	looked := 0
	w.Clock.(*jumping).always(func() {
		for _, ns := range w.namespaces() {
			vmi := "/apis/kubevirt.io/v1/namespaces/okd-install-" + ns + "/virtualmachineinstances/proof"
			status, _ := w.Get(vmi)["status"].(map[string]any)
			if status["nodeName"] != "worker-1" {
				continue
			}
			if looked++; looked == 3 {
				w.Arrive(vmi)
			}
		}
	})
	r := w.Run(t.Context())
	if got := find(t, r, proof.Reachability); got.Status != proof.Passed || !strings.Contains(got.Reason, "10.128.3.9") {
		t.Errorf("%+v", got)
	}
	if looked < 3 {
		t.Errorf("looked %d times", looked)
	}
}

// One whose new address is never told is not connected to at its old one, and the reason names the pod.
func TestAddressStaysOld(t *testing.T) {
	w := newWorld(t, kubevirttest.Faults{LateAddress: true})
	got := find(t, w.Run(t.Context()), proof.Reachability)
	if got.Status != proof.Failed || !strings.Contains(got.Cause, "still has the address 10.128.2.7 of pod "+
		"virt-launcher-proof-a") {
		t.Errorf("%+v", got)
	}
}

func forms(t *testing.T, r *proof.Report) map[proof.Form]string {
	t.Helper()
	out := map[proof.Form]string{}
	for _, form := range []proof.Form{proof.Text, proof.JSON, proof.JUnit} {
		var b bytes.Buffer
		if err := r.Write(&b, form); err != nil {
			t.Fatal(err)
		}
		out[form] = b.String()
	}
	var again proof.Report
	if err := json.Unmarshal([]byte(out[proof.JSON]), &again); err != nil {
		t.Error(err)
	}
	if fmt.Sprint(again) != fmt.Sprint(*r) {
		t.Errorf("from JSON: %v\nwas %v", again, *r)
	}
	var tree struct {
		Suites []struct {
			Cases []struct {
				Name string `xml:"name,attr"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(out[proof.JUnit]), &tree); err != nil || len(tree.Suites) != 1 ||
		len(tree.Suites[0].Cases) != len(r.Results) {
		t.Errorf("XML: %v, %+v", err, tree)
	}
	return out
}
