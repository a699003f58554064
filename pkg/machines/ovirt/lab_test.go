package ovirt_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/engine/enginetest"
	"github.com/okd-install/okd-install/pkg/machines/ovirt"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/types"
)

const (
	infraID  = "demo-x7k2p"
	diskSize = 1 << 20 // of the image, as the guest sees it
)

// lab is an engine whose wires can be cut.
type lab struct {
	t        *testing.T
	engine   *enginetest.Engine
	machines *enginetest.Machines
	volumes  *enginetest.Volumes
	images   *httptest.Server
	cut      cut
	image    plan.Image
	cluster  string
	domain   string
}

func newLab(t *testing.T, hosts int, edits ...func(*engine.Config)) *lab {
	t.Helper()
	l := &lab{t: t, image: image(t)}
	config := func(c *engine.Config) {
		c.Domains = []engine.StorageDomain{{Name: "data"}}
		for n := range c.Hosts {
			c.Hosts[n].Address = "127.0.0.1"
		}
		c.Delays = engine.Delays{Disk: time.Millisecond, VM: time.Millisecond, Template: time.Millisecond,
			Launch: time.Millisecond, Stop: time.Millisecond, Transfer: time.Millisecond, Poll: time.Millisecond}
		for _, edit := range edits {
			edit(c)
		}
	}
	e := enginetest.Start(t, enginetest.Hosts(hosts), enginetest.Wrap(l.cut.wrap), enginetest.Config(config))
	e.Machines.Boot, e.Machines.Stop = 0, 0
	l.engine, l.machines, l.volumes, l.images = e, e.Machines, e.Volumes, e.Images
	l.cluster, l.domain = e.ClusterID, e.StorageDomainID
	return l
}

// image is the smallest thing that is QCOW2 enough to be uploaded.
func image(t *testing.T) plan.Image {
	data := make([]byte, 300<<10)
	copy(data, "QFI\xfb")
	binary.BigEndian.PutUint32(data[4:], 3)
	binary.BigEndian.PutUint64(data[24:], diskSize)
	path := filepath.Join(t.TempDir(), "rhcos.qcow2")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return plan.Image{Path: path, URL: "https://images/rhcos.qcow2", SHA256: strings.Repeat("ab", 32),
		Format: "qcow2", Size: int64(len(data)), Virtual: diskSize}
}

func (l *lab) config() api.Config {
	return api.Config{URL: l.engine.URL, Username: l.engine.Username, Password: l.engine.Password,
		CABundle: string(l.engine.CA)}
}

var quick = api.Options{Poll: 2 * time.Millisecond, Grace: 50 * time.Millisecond, Tries: 3}

func (l *lab) client() *api.Client {
	l.t.Helper()
	c, err := api.Dial(l.t.Context(), l.config(), quick)
	if err != nil {
		l.t.Fatal(err)
	}
	return c
}

func (l *lab) provider() *ovirt.Provider {
	_, port, _ := net.SplitHostPort(l.images.Listener.Addr().String())
	return ovirt.New(ovirt.Deps{Engine: l.client(), HostImagePort: port, ProxyImagePort: port,
		Poll: 2 * time.Millisecond, Limit: 20 * time.Second, DestroyLimit: 3 * time.Second})
}

func (l *lab) installConfig(masters, workers int) *types.InstallConfig {
	l.t.Helper()
	cfg, r := platforms.All().Load("install-config.yaml", []byte(fmt.Sprintf(`
apiVersion: v1
baseDomain: okd.test
metadata: {name: demo}
pullSecret: '{"auths":{"registry.test":{"auth":"dXNlcjpwYXNz"}}}'
controlPlane: {name: master, replicas: %d}
compute: [{name: worker, replicas: %d}]
networking:
  machineNetwork: [{cidr: 198.18.0.0/24}]
  clusterNetwork: [{cidr: 198.19.0.0/17, hostPrefix: 24}]
  serviceNetwork: [198.19.128.0/17]
platform:
  ovirt:
    ovirt_cluster_id: %s
    ovirt_storage_domain_id: %s
    api_vips: [198.18.0.10]
    ingress_vips: [198.18.0.11]
`, masters, workers, l.cluster, l.domain)))
	if err := r.Err(); err != nil {
		l.t.Fatal(err)
	}
	return cfg
}

func (l *lab) plan(masters, workers int) plan.Plan {
	l.t.Helper()
	p, err := ovirt.Plan(l.installConfig(masters, workers), infraID, l.image, ignitions(masters, workers))
	if err != nil {
		l.t.Fatal(err)
	}
	return p
}

func ignitions(masters, workers int) ovirt.Ignitions {
	ign := ovirt.Ignitions{ovirt.BootstrapName(infraID): config("bootstrap")}
	for n := range masters {
		ign[ovirt.MasterName(infraID, n)] = config(fmt.Sprint("master ", n))
	}
	for n := range workers {
		ign[ovirt.WorkerName(infraID, n)] = config(fmt.Sprint("worker ", n))
	}
	return ign
}

func config(what string) []byte {
	return []byte(fmt.Sprintf(`{"ignition":{"version":"3.2.0"},"storage":{"files":[`+
		`{"path":"/etc/hostname","contents":{"source":"data:,%s"}}]}}`, strings.ReplaceAll(what, " ", "-")))
}

func applyAll(ctx context.Context, p *ovirt.Provider, pl plan.Plan) error {
	for _, stage := range plan.Stages() {
		if err := p.Apply(ctx, pl, stage); err != nil {
			return err
		}
	}
	return nil
}

// picture is the inventory without what differs from run to run.
func (l *lab) picture() string {
	inv := l.engine.Inventory()
	names := map[string]string{}
	for _, tag := range inv.Tags {
		names[tag.ID] = tag.Name
	}
	var lines []string
	add := func(format string, a ...any) { lines = append(lines, fmt.Sprintf(format, a...)) }
	vmName := map[string]string{}
	for _, vm := range inv.VMs {
		vmName[vm.ID] = vm.Name
		var tags []string
		for _, id := range vm.Tags {
			tags = append(tags, names[id])
		}
		add("vm %s %s nics=%d disks=%d tags=%v runs=%v os=%s consoles=%d", vm.Name, vm.Status, len(vm.NICs),
			len(vm.Disks), tags, vm.Run > 0, vm.Spec.OS, len(vm.Consoles))
	}
	for _, d := range inv.Disks {
		add("disk %s %s %d bytes", d.Alias, d.Status, d.Size)
	}
	for _, t := range inv.Templates {
		add("template %s %s", t.Name, t.Status)
	}
	for _, t := range inv.Tags {
		add("tag %s", t.Name)
	}
	for _, g := range inv.AffinityGroups {
		var vms []string
		for _, id := range g.VMs {
			vms = append(vms, vmName[id])
		}
		slices.Sort(vms)
		add("group %s %v", g.Name, vms)
	}
	for _, tr := range inv.History.Transfers {
		if !strings.HasPrefix(tr.Phase, "finished") {
			add("open transfer %s", tr.Phase)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// cut is a wire that can be cut in the middle of a run, as a SIGKILL of the
// client would: the engine may have carried out the last request, nothing is
// answered, and nothing more arrives.
type cut struct {
	mu      sync.Mutex
	at      int // changing request to cut at; 0 never
	undone  bool
	lost    bool // only this answer gets lost, the client lives on
	seen    int
	dead    bool
	onCut   func()
	changes []string
}

func (c *cut) arm(at int, undone, lost bool, onCut func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.undone, c.lost, c.onCut, c.seen, c.dead, c.changes = at, undone, lost, onCut, 0, false, nil
}

func (c *cut) disarm() { c.arm(0, false, false, nil) }

func (c *cut) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		dead := c.dead
		hit, undone, lost, onCut := false, c.undone, c.lost, c.onCut
		if r.Method != http.MethodGet && r.Method != http.MethodOptions && !strings.Contains(r.URL.Path, "/sso/") {
			c.seen++
			c.changes = append(c.changes, r.Method+" "+r.URL.Path)
			hit = c.seen == c.at
			c.dead = c.dead || hit && !lost
		}
		c.mu.Unlock()
		switch {
		case dead:
			panic(http.ErrAbortHandler)
		case !hit:
			next.ServeHTTP(w, r)
			return
		case !undone:
			next.ServeHTTP(httptest.NewRecorder(), r)
		}
		if onCut != nil {
			onCut()
		}
		panic(http.ErrAbortHandler)
	})
}

// started is what a machine was switched on with, nil if it never was.
func (l *lab) started(name string) *engine.Hardware {
	for _, vm := range l.engine.Inventory().VMs {
		if vm.Name != name {
			continue
		}
		if hw, _, on := l.machines.Hardware(vm.ID); on {
			return &hw
		}
	}
	return nil
}
