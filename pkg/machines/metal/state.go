package metal

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/okd-install/okd-install/pkg/redfish"
)

// Medium is what is in the virtual drives of a host.
type Medium string

// The kinds of media. A medium whose name the BMC does not show is unknown.
const (
	NoMedium Medium = "none"
	Ours     Medium = "ours"
	Other    Medium = "other"
	Unknown  Medium = "unknown"
)

// State is what the BMC of a host says of it now.
type State struct {
	Name   string
	BMC    string // address of its service
	Power  redfish.PowerState
	Medium Medium
	Image  string // of the medium, for people
	// Override: the next start is not by the order of the firmware.
	Override bool
	UUID     string   // of the system, lower case
	MACs     []string // lower case, as far as the BMC tells
	Err      error    // why there is no answer
}

// On reports whether the host is not known to be off.
func (s State) On() bool { return s.Power != redfish.Off }

// States asks the BMCs of all hosts, in the order of the hosts.
func (p *Provider) States(ctx context.Context, infraID string) []State {
	out := make([]State, len(p.hosts))
	var asked sync.WaitGroup
	for i, h := range p.hosts {
		asked.Go(func() {
			_ = p.with(ctx, h, func(ctx context.Context) error {
				out[i] = p.state(ctx, h, infraID)
				return nil
			})
		})
	}
	asked.Wait()
	return out
}

// State asks the BMC of one host.
func (p *Provider) State(ctx context.Context, infraID, name string) (State, error) {
	h, err := p.find(name)
	if err != nil {
		return State{}, err
	}
	var s State
	err = p.with(ctx, h, func(ctx context.Context) error {
		s = p.state(ctx, h, infraID)
		return s.Err
	})
	return s, err
}

// state asks the BMC of a host. The caller has the turn.
func (r *Rack) state(ctx context.Context, h *host, infraID string) State {
	out := State{Name: h.Name, BMC: h.BMC.Address}
	bmc, err := h.session(ctx)
	if err != nil {
		out.Err = err
		return out
	}
	now, err := bmc.Status(ctx)
	if err != nil {
		out.Err = err
		return out
	}
	out.Power, out.UUID, out.Override, out.MACs = now.Power, now.UUID, now.Override, h.known.MACs
	out.Medium = NoMedium
	for _, s := range now.Slots {
		is := r.kind(infraID, h, s)
		if rank(is) > rank(out.Medium) {
			out.Medium, out.Image = is, cmp.Or(s.Image, s.Name)
		}
	}
	return out
}

// rank is which of several media counts.
func rank(m Medium) int { return slices.Index([]Medium{NoMedium, Other, Unknown, Ours}, m) }
