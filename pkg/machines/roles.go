package machines

import "github.com/okd-install/okd-install/pkg/types"

// ByRole are the machines that the install-config names, by role. Those without a role
// become masters, then arbiters, then workers, as long as there are too few.
func ByRole(cfg *types.InstallConfig) map[string][]types.Machine {
	out := map[string][]types.Machine{}
	for _, h := range cfg.NamedMachines() {
		out[h.Role] = append(out[h.Role], h)
	}
	for _, pool := range []struct {
		role   string
		wanted int
	}{{types.MasterPool, cfg.Masters()}, {types.ArbiterPool, cfg.Arbiters()}, {types.WorkerPool, cfg.Workers()}} {
		n := min(max(pool.wanted-len(out[pool.role]), 0), len(out[""]))
		out[pool.role], out[""] = append(out[pool.role], out[""][:n]...), out[""][n:]
	}
	return out
}
