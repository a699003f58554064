package metal

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types/agent"
)

// Joins is how hosts with BMCs join clusters that run.
func Joins() *machines.Joins {
	return &machines.Joins{
		Takes:   func(h agent.NodeHost) bool { return h.BMC != nil },
		Plan:    planJoining,
		Connect: connectJoining,
		Known:   knownJoining,
	}
}

// planJoining describes the hosts, and the medium that they are started from.
func planJoining(j machines.Joining, image plan.Image) (plan.Plan, error) {
	if err := checkInfraID(j.InfraID); err != nil {
		return plan.Plan{}, fmt.Errorf("plan the hosts: %w", err)
	}
	p := plan.Plan{Platform: config.Name, InfraID: j.InfraID}
	medium := plan.Object{Kind: plan.KindMedium, Name: j.InfraID + "-nodes.iso", Stage: plan.StageImage,
		Spec: plan.Medium{Image: image, From: cmp.Or(secret.URL(image.URL), "this machine")}}
	medium.Key = plan.KeyOf(medium.Kind, medium.Name)
	p.Objects = append(p.Objects, medium)
	for _, m := range j.Machines {
		h := joiningHost(m)
		p.Objects = append(p.Objects, plan.Object{
			Key: plan.KeyOf(plan.KindHost, h.Name), Kind: plan.KindHost, Name: h.Name, Stage: plan.StageInfrastructure,
			Needs: []plan.Key{medium.Key},
			Spec:  plan.Server{Role: h.Role, BMC: h.BMC.Address, MAC: h.BootMACAddress, BootMode: h.BootMode},
		})
	}
	return p, p.Validate()
}

func joiningHost(m machines.JoiningMachine) Host {
	h := m.Host
	out := Host{UUID: m.UUID, Host: config.Host{
		Name: h.Hostname, Role: h.Role, BootMACAddress: h.BootMAC(), BootMode: cmp.Or(h.BootMode, config.BootModeUEFI),
	}}
	if h.BMC != nil {
		out.BMC = config.BMC{
			Address: h.BMC.Address, Username: h.BMC.Username, Password: h.BMC.Password,
			DisableCertificateVerification: h.BMC.DisableCertificateVerification,
		}
	}
	return out
}

// connectJoining sends nothing: a BMC is asked when its host is needed.
func connectJoining(_ context.Context, a machines.Access, j machines.Joining) (machines.JoiningConnection, error) {
	o := Options{
		Media: a.Media, TakeRunning: a.TakeRunning, Node: a.Node, Hide: a.Hide, Parallel: a.Parallel, Clock: a.Clock,
		Log: slog.New(event.Handler(a.Sink)),
	}
	o.CA = []byte(j.BMCVerifyCA)
	if j.Config != nil {
		if p := config.Of(j.Config); p != nil {
			o.CA = append(append(o.CA, '\n'), p.BMCVerifyCA...)
		}
	}
	for _, m := range j.Machines {
		h := joiningHost(m)
		if a.Hide != nil {
			a.Hide(h.BMC.Password)
		}
		o.Hosts = append(o.Hosts, h)
	}
	rack := New(o)
	return func(sink event.Sink, fetch machines.Fetch) machines.Joiner { return joiner{rack.Provider(sink, fetch)} }, nil
}

// joiner is the rack of hosts that join a cluster.
type joiner struct{ *Provider }

// Look implements machines.Joiner.
func (j joiner) Look(ctx context.Context, p plan.Plan, name string) (machines.Machine, error) {
	s, err := j.State(ctx, p.InfraID, name)
	if err != nil {
		return machines.Machine{}, err
	}
	return machines.Machine{Name: name, ID: s.UUID, Status: status(s.Power), Runs: s.On(), Ran: s.On()}, nil
}

// Remove implements machines.Joiner. The host stays what it is, but for its power: its disks are not touched.
func (j joiner) Remove(ctx context.Context, infraID, name string) (bool, error) {
	if err := checkInfraID(infraID); err != nil {
		return false, err
	}
	h, err := j.find(name)
	if err != nil {
		return false, nil //nolint:nilerr // it is no host with a BMC that is known
	}
	return true, j.with(ctx, h, func(ctx context.Context) error {
		if err := j.provedToBelong(ctx, h, infraID); err != nil {
			return err
		}
		return j.destroy(ctx, h, infraID)
	})
}

// knownJoining are the hosts of the installation whose BMCs can be logged in to.
func knownJoining(a machines.Access) ([]agent.NodeHost, error) {
	hosts, _, err := hostsOf(a)
	if err != nil {
		return nil, err
	}
	var out []agent.NodeHost
	for _, h := range hosts {
		if h.BMC.Username == "" || h.BMC.Password.IsZero() {
			continue
		}
		out = append(out, agent.NodeHost{
			Hostname: h.Name, Role: h.Role, BootMACAddress: h.BootMACAddress, BootMode: h.BootMode, BMC: &agent.BMC{
				Address: h.BMC.Address, Username: h.BMC.Username, Password: h.BMC.Password,
				DisableCertificateVerification: h.BMC.DisableCertificateVerification,
			},
		})
	}
	return out, nil
}
