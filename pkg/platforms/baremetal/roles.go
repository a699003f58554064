package baremetal

import (
	"slices"

	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/release/versions"
	"github.com/okd-install/okd-install/pkg/types"
)

// placed is a host with the role that it will have.
type placed struct {
	*config.Host
	role string
	// machine is the position of its Machine among those of the role. Workers
	// have none: the MachineSet's machines pick their hosts themselves.
	machine int
	// architecture is that of the host's processors, as its operator calls it.
	architecture string
}

const noMachine = -1

// order puts hosts that say what they are for before those that do not.
var order = []string{types.MasterPool, types.ArbiterPool, types.WorkerPool, ""}

// assign gives every host its role: first to those that name one, then the
// others fill up the masters and the arbiters. Who is left is a worker, or a
// spare host if there are more than machines.
func assign(c *types.InstallConfig) []placed {
	platform := config.Of(c)
	hosts := make([]*config.Host, len(platform.Hosts))
	for i := range hosts {
		hosts[i] = &platform.Hosts[i]
	}
	slices.SortStableFunc(hosts, func(a, b *config.Host) int {
		return slices.Index(order, a.Role) - slices.Index(order, b.Role)
	})
	free := map[string]int{types.MasterPool: c.Masters(), types.ArbiterPool: c.Arbiters()}
	taken := map[string]int{}
	out := make([]placed, 0, len(hosts))
	for _, h := range hosts {
		p := placed{Host: h, role: types.WorkerPool, machine: noMachine}
		for _, role := range []string{types.MasterPool, types.ArbiterPool} {
			if (h.Role == role || h.Role == "") && taken[role] < free[role] {
				p.role, p.machine = role, taken[role]
				taken[role]++
				break
			}
		}
		p.architecture = architecture(c, p.role)
		out = append(out, p)
	}
	return out
}

// architectures are those that the hosts' operator has other names for.
var architectures = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// architecture is that of the machines of a role. The operator boots a host with
// what fits it before it could look at the host itself.
func architecture(c *types.InstallConfig, role string) string {
	pool := c.ControlPlane
	switch {
	case role == types.ArbiterPool && c.Arbiter != nil:
		pool = c.Arbiter
	case role == types.WorkerPool && len(c.Compute) > 0:
		pool = &c.Compute[0]
	}
	if name, other := architectures[pool.Architecture]; other {
		return name
	}
	return pool.Architecture
}

// streamsSince is the release since which hosts carry the name of their
// operating system.
var streamsSince = versions.Minor{Major: 5}

// stream is the operating system that hosts are labelled with. Without a label
// they get that of the release, which is right where its version is not known.
func stream(c *types.InstallConfig, version string) string {
	if c.OSImageStream != "" {
		return c.OSImageStream
	}
	if number, known := versions.MinorOf(version); known && number.Since(streamsSince) {
		return types.OSImageStream
	}
	return ""
}
