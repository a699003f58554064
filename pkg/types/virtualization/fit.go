package virtualization

import (
	"slices"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/release/versions"
	"github.com/okd-install/okd-install/pkg/report"
)

// workerLabel selects the nodes that run VMs: masters have it as well if there are no workers.
const workerLabel = "node-role.kubernetes.io/worker"

// Fit is the config with all defaults, as the cluster needs them, and with the rules applied that depend on it.
// Without a file, c is nil. The path is only for messages. The result is nil if the report has failed. If the release
// is not known, rules of releases do not apply, and the image of operator.addOns stays open.
func (c *Config) Fit(path string, k Cluster) (*Config, *report.Report) {
	out, r := &Config{APIVersion: APIVersion, Kind: Kind}, report.New(path)
	if c != nil {
		out, r = clone(c), c.report()
	}
	out.source = r.Again()
	f := &fitting{Config: out, cluster: k, at: r.Field(report.Path{})}
	f.minor, f.known = versions.MinorOf(k.Release)
	f.fit()
	if r.Failed() {
		return nil, r
	}
	return out, r
}

// fitting is one run of Fit.
type fitting struct {
	*Config
	cluster Cluster
	at      report.Field
	minor   versions.Minor
	known   bool // the release
}

func (f *fitting) fit() {
	if f.cluster.NoOperators {
		f.at.Child("operator").Forbidden("the cluster has no lifecycle manager, which installs operators: enable the " +
			"capability OperatorLifecycleManager in install-config.yaml")
	}
	f.storage()
	f.hyperConverged()
	f.images()
	f.networks()
	f.availability()
	f.backup()
	f.smokeTest()
	f.catalogs()
	fillDefaults(f.Config)
	f.gates()
}

func set[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

func either[T comparable](field *T, value T) {
	var none T
	if *field == none {
		*field = value
	}
}

func (f *fitting) single() bool { return f.cluster.VMNodes() <= 1 }

// vmNodes selects the nodes that run VMs.
func (f *fitting) vmNodes() map[string]string {
	if own := f.HyperConverged.Workloads.NodeSelector; len(own) > 0 {
		return clone(own)
	}
	return map[string]string{workerLabel: ""}
}

func (f *fitting) storage() {
	s, at := &f.Storage, f.at.Child("storage")
	byDefault := s.Type == "" && s.Class == "" && s.LVM == nil && s.HostPath == nil
	s.Type = s.kind()
	switch s.Type {
	case HostPathStorage:
		set(&s.HostPath, HostPath{})
		either(&s.Class, "hostpath-csi")
		if len(s.HostPath.NodeSelector) == 0 {
			s.HostPath.NodeSelector = f.vmNodes()
		}
	case LVMStorage:
		either(&s.Class, s.LVM.class())
	case NoStorage:
		set(&s.DefaultForVMs, false)
	}
	set(&s.DefaultForCluster, f.single() && (s.Type == HostPathStorage || s.Type == LVMStorage))
	if f.single() || s.Type != HostPathStorage && s.Type != LVMStorage {
		return
	}
	advice := ""
	if byDefault {
		advice = "; set class to a StorageClass with ReadWriteMany, if the cluster will have one"
	}
	at.Child("type").Warn(s.Type, "disks stay on the node where they are made: VMs with such disks do not migrate, and "+
		"are shut down when their node is drained%s", advice)
}

func (f *fitting) hyperConverged() {
	h, at := &f.HyperConverged, f.at.Child("hyperConverged")
	eviction := at.Child("evictionStrategy")
	switch {
	case f.single() && h.EvictionStrategy == liveMigrate:
		eviction.Invalid(liveMigrate, "with one node for VMs there is nowhere to migrate to, and the node could never be "+
			"drained; use None or LiveMigrateIfPossible")
	case f.single():
		either(&h.EvictionStrategy, "None")
	case h.EvictionStrategy == liveMigrate && f.Storage.NodeBound():
		eviction.Warn(liveMigrate, "VMs with disks on %s cannot migrate; with them, nodes cannot be drained, and updates of "+
			"the cluster stop. LiveMigrateIfPossible shuts them down instead", f.Storage.Class)
	case f.Storage.NodeBound():
		either(&h.EvictionStrategy, "LiveMigrateIfPossible")
	default:
		either(&h.EvictionStrategy, liveMigrate)
	}
	either(&h.UninstallStrategy, "BlockUninstallIfWorkloadsExist")
	if methods := &h.WorkloadUpdate.Methods; *methods == nil {
		*methods = []string{}
		if !f.single() {
			*methods = []string{liveMigrate}
		}
	}
	l, migration := &h.LiveMigration, at.Child("liveMigration")
	if l.Network != "" && f.single() {
		migration.Child("network").Warn(l.Network, "with one node for VMs, nothing migrates")
	}
	if m := f.macvlans(); l.Network == "" && len(m) == 1 && !f.single() {
		l.Network = m[0]
	}
	either(&l.ParallelPerCluster, 5)
	either(&l.ParallelOutboundPerNode, min(2, l.ParallelPerCluster))
	if l.ParallelOutboundPerNode > l.ParallelPerCluster {
		migration.Child("parallelOutboundPerNode").Invalid(l.ParallelOutboundPerNode,
			"must not be larger than parallelPerCluster, %d", l.ParallelPerCluster)
	}
}

const liveMigrate = "LiveMigrate"

// macvlans are the networks that migrations can use.
func (f *fitting) macvlans() []string {
	var out []string
	for _, n := range f.Networks {
		if n.Macvlan != nil && n.namespace() == Namespace {
			out = append(out, n.Name)
		}
	}
	return out
}

func (f *fitting) images() {
	g, at := &f.GoldenImages, f.at.Child("goldenImages")
	none := f.Storage.Type == NoStorage
	const noClass = "storage.type is " + NoStorage + ": images are imported only if the cluster has a default StorageClass"
	if none && g.Enabled != nil && *g.Enabled {
		at.Child("enabled").Warn(true, noClass)
	} else if none && len(g.Sources) > 0 {
		at.Child("sources").Warn(g.Sources[0].Name, noClass)
	}
	set(&g.Enabled, !none)
	_, mirrored := f.cluster.Mirrored(containerDisks)
	set(&g.Disconnected, mirrored)
	for i := range g.Sources {
		s := &g.Sources[i]
		either(&s.PullMethod, podPull)
		if *g.Disconnected {
			s.Image, _ = f.cluster.Mirrored(s.Image)
		}
	}
	if !*g.Enabled || !*g.Disconnected {
		return
	}
	var missing []string
	for _, common := range CommonImages() {
		own := slices.ContainsFunc(g.Sources, func(s ImageSource) bool { return s.Name == common.Name })
		if own || slices.Contains(g.Disable, common.Name) {
			continue
		}
		image, ok := f.cluster.Mirrored(common.Image)
		if !ok {
			g.Disable, missing = append(g.Disable, common.Name), append(missing, common.Name)
			continue
		}
		g.Sources = append(g.Sources, ImageSource{Name: common.Name, Image: image, Size: common.Size, PullMethod: nodePull})
	}
	if len(missing) > 0 {
		at.Child("disconnected").Warn(true, "left out, because no mirror of install-config.yaml has %s: %s", containerDisks,
			strings.Join(missing, ", "))
	}
}

func (f *fitting) networks() {
	nodes := f.vmNodes()
	for i := range f.HostNetwork {
		p, at := &f.HostNetwork[i], f.at.Child("hostNetwork").Index(i)
		if len(p.NodeSelector) == 0 {
			p.NodeSelector = clone(nodes)
		}
		for j := range p.Bonds {
			either(&p.Bonds[j].Mode, activeBackup)
		}
		for j := range p.VLANs {
			p.VLANs[j].Name = p.VLANs[j].name()
		}
		if f.cluster.Virtual && len(p.Bridges) > 0 {
			at.Child("bridges").Warn(p.Name, "the nodes are VMs: their network drops the frames of VMs inside, unless the vNIC "+
				"profile has no network filter")
		}
	}
	for i := range f.Networks {
		n, at := &f.Networks[i], f.at.Child("networks").Index(i)
		n.Namespace = n.namespace()
		if s := n.SRIOV; s != nil {
			if len(s.NodeSelector) == 0 {
				s.NodeSelector = clone(nodes)
			}
			if f.cluster.Virtual {
				at.Child("sriov").Warn(n.Name, "the nodes are VMs; they need network cards that are passed through to them")
			}
		}
		if n.Macvlan != nil && f.single() {
			at.Child("macvlan").Warn(n.Name, "with one node for VMs, nothing migrates")
		}
	}
}

func (f *fitting) availability() {
	at, nodes := f.at.Child("availability"), f.cluster.VMNodes()
	if n := f.Availability.NodeHealthCheck; n != nil {
		here := at.Child("nodeHealthCheck")
		switch {
		case f.single():
			here.Forbidden("with one node for VMs there is nowhere for its VMs to go; leave it out")
		case nodes == 2 && slices.Contains([]string{"2", "100%", "51%"}, n.MinHealthy):
			here.Child("minHealthy").Warn(n.MinHealthy, "with two nodes, no node would ever be restarted; 50%% is enough")
		}
		half := "51%"
		if nodes == 2 {
			half = "50%"
		}
		either(&n.MinHealthy, half)
		if len(n.NodeSelector) == 0 {
			n.NodeSelector = map[string]string{workerLabel: ""}
		}
	}
	if d := f.Availability.Descheduler; d != nil {
		if f.single() {
			at.Child("descheduler").Forbidden("with one node for VMs there is nowhere to move them; leave it out")
		}
		if d.Profile == "KubeVirtRelieveAndMigrate" {
			at.Child("descheduler", "profile").Warn(d.Profile, "the nodes must be started with the kernel argument psi=1: "+
				"add a MachineConfig with it to openshift/ before the installation")
		}
	}
}

func (f *fitting) backup() {
	if b := f.Backup; b != nil {
		set(&b.ForcePathStyle, b.URL != "")
		either(&b.Region, "us-east-1")
	}
}

func (f *fitting) smokeTest() {
	s := &f.SmokeTest
	if s.Image == "" {
		s.Image, _ = f.cluster.Mirrored(smokeTestImage)
	}
	if f.cluster.NoKVM != "" && !s.AllowEmulation {
		f.at.Child("smokeTest", "allowEmulation").Warn("false", "VMs may not start: %s", f.cluster.NoKVM)
	}
	limit := 5 * time.Minute
	if s.AllowEmulation {
		limit = 15 * time.Minute
	}
	either(&s.Timeout, Duration{limit})
}

// gates refuses feature gates that the release's operator does not have.
func (f *fitting) gates() {
	for _, g := range gates {
		if _, used := f.HyperConverged.FeatureGates[g.name]; used && f.known && !f.minor.Since(g.since) {
			f.at.Child("hyperConverged", "featureGates").Child(g.name).Forbidden(
				"the operator of release %s does not have it; remove it, or install %s or later", f.minor, g.since)
		}
	}
}
