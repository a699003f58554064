// Package upi says what there has to be where the user makes the machines.
package upi

import (
	"fmt"

	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/types"
)

// Ignitions are the configs that machines start with.
type Ignitions struct{ Bootstrap, Master, Arbiter, Worker []byte }

// Names of the files with them.
const (
	bootstrapFile = "bootstrap.ign"
	masterFile    = "master.ign"
	arbiterFile   = "arbiter.ign"
	workerFile    = "worker.ign"
	inPlaceFile   = "bootstrap-in-place-for-live-iso.ign"
)

// Plan lists everything that a cluster on machines of the user needs. It is pure.
func Plan(cfg *types.InstallConfig, infraID string, ign Ignitions) plan.Plan {
	b := builder{cfg: cfg, ign: ign, keys: map[string][]plan.Key{}, named: machines.ByRole(cfg)}
	b.machines()
	b.balancers()
	return plan.Plan{
		Platform: cfg.Platform.Name(), InfraID: infraID,
		Provide: append(b.list, machines.Names(cfg)...), Steps: steps(cfg),
	}
}

type builder struct {
	cfg  *types.InstallConfig
	ign  Ignitions
	list []plan.Requirement
	// By role: the keys of the machines so far, and the hosts that have names.
	keys  map[string][]plan.Key
	named map[string][]types.Machine
}

// The least that machines need, as the documentation of OKD has it.
var (
	bootstrapHost = plan.Host{Role: machines.Bootstrap, CPUs: 4, MemoryGiB: 16, DiskGiB: 100, Ignition: bootstrapFile,
		Use: "the temporary control plane; no longer needed after wait-for bootstrap-complete"}
	masterHost  = plan.Host{Role: types.MasterPool, CPUs: 4, MemoryGiB: 16, DiskGiB: 100, Ignition: masterFile}
	arbiterHost = plan.Host{Role: types.ArbiterPool, CPUs: 2, MemoryGiB: 8, DiskGiB: 50, Ignition: arbiterFile,
		Use: "etcd's third voice, and nothing else"}
	workerHost = plan.Host{Role: types.WorkerPool, CPUs: 2, MemoryGiB: 8, DiskGiB: 100, Ignition: workerFile}
	singleHost = plan.Host{Role: types.MasterPool, CPUs: 8, MemoryGiB: 16, DiskGiB: 120, Ignition: inPlaceFile,
		Use: "the only node: boot a live ISO with this config embedded; it installs itself and reboots"}
)

func (b *builder) machines() {
	if b.cfg.BootstrapInPlace != nil {
		b.machine("master-0", singleHost, nil)
		return
	}
	b.machine(machines.Bootstrap, bootstrapHost, b.ign.Bootstrap)
	for i := range b.cfg.Masters() {
		b.machine(fmt.Sprintf("master-%d", i), masterHost, b.ign.Master)
	}
	for i := range b.cfg.Arbiters() {
		b.machine(fmt.Sprintf("arbiter-%d", i), arbiterHost, b.ign.Arbiter)
	}
	for i := range b.cfg.Workers() {
		b.machine(fmt.Sprintf("worker-%d", i), workerHost, b.ign.Worker)
	}
}

func (b *builder) machine(name string, spec plan.Host, config []byte) {
	spec.Config = plan.NewPayload(config)
	if hosts := b.named[spec.Role]; len(b.keys[spec.Role]) < len(hosts) {
		host := hosts[len(b.keys[spec.Role])]
		name, spec.MAC = host.Name, host.MAC
	}
	r := plan.Requirement{Kind: plan.KindMachine, Name: name, Spec: spec}
	b.keys[spec.Role] = append(b.keys[spec.Role], r.Key())
	b.list = append(b.list, r)
}

func (b *builder) balancers() {
	if !machines.Balanced(b.cfg) {
		return
	}
	control := []string{machines.Bootstrap, types.MasterPool}
	ingress := []string{types.WorkerPool}
	if b.cfg.Workers() == 0 {
		ingress = []string{types.MasterPool}
	}
	const until = "; take the bootstrap host out once bootstrap is complete"
	b.balancer("api", plan.Frontend{Port: 6443, Backends: control, Health: "HTTPS GET /readyz answers 200",
		Use: "the Kubernetes API, for users and nodes" + until})
	b.balancer("machine-config", plan.Frontend{Port: 22623, Backends: control,
		Health: "HTTPS GET /healthz answers 200",
		Use:    "the configuration of new nodes; only for the machines' network" + until})
	b.balancer("ingress-https", plan.Frontend{Port: 443, Backends: ingress,
		Health: "HTTP GET :1936/healthz/ready answers 200", Use: "routes of applications and the console"})
	b.balancer("ingress-http", plan.Frontend{Port: 80, Backends: ingress,
		Health: "HTTP GET :1936/healthz/ready answers 200", Use: "routes of applications"})
}

func (b *builder) balancer(name string, f plan.Frontend) {
	r := plan.Requirement{Kind: plan.KindLoadBalancer, Name: name, Spec: f}
	for _, role := range f.Backends {
		r.Needs = append(r.Needs, b.keys[role]...)
	}
	b.list = append(b.list, r)
}

func steps(cfg *types.InstallConfig) []string {
	if cfg.BootstrapInPlace != nil {
		return []string{
			"make the DNS records",
			"create single-node-ignition-config",
			"embed " + inPlaceFile + " in a CoreOS live ISO and boot the machine from it; it writes the system to " +
				cfg.BootstrapInPlace.InstallationDisk + " and reboots from there",
			"wait-for bootstrap-complete",
			"wait-for install-complete",
		}
	}
	out := []string{"make the DNS records; give every machine an address, a host name that is unique and resolves, " +
		"and the time (NTP)"}
	if machines.Balanced(cfg) {
		out[0] = "make the DNS records and the load balancer; give every machine an address, a host name that is " +
			"unique and resolves, and the time (NTP)"
	}
	control := " and the masters with " + masterFile
	if cfg.Arbiters() > 0 {
		control += ", the arbiter with " + arbiterFile
	}
	out = append(out,
		"create ignition-configs, and serve the .ign files to your machines only: "+bootstrapFile+" holds keys",
		"boot the bootstrap host with "+bootstrapFile+control+"; "+bootstrapFile+" must be used within 24 hours",
		"wait-for bootstrap-complete",
	)
	if machines.Balanced(cfg) {
		out = append(out, "take the bootstrap host out of the load balancer and switch it off")
	} else {
		out = append(out, "switch the bootstrap host off")
	}
	workers := "boot the workers with " + workerFile
	if cfg.Workers() == 0 {
		workers = "boot workers, if there are to be any, with " + workerFile
	}
	return append(out, workers+", and approve their certificate requests: wait-for install-complete names them, "+
		"with --approve-csrs it approves them", "wait-for install-complete")
}
