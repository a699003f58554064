package wizard

import (
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
)

var bareMetalPath = report.NewPath("platform", types.PlatformBareMetal)

func (w *wizard) askBareMetal(ctx context.Context) error {
	p := &types.BareMetalPlatform{}
	w.config.Platform.BareMetal = p
	networks := []struct{ name, what string }{
		{"Disabled", "hosts boot from virtual media"}, {"Managed", "the cluster serves DHCP and PXE in it"}, {"Unmanaged", "your DHCP and PXE serve it"},
	}
	var options []string
	for _, n := range networks {
		options = append(options, fmt.Sprintf("%s (%s)", n.name, n.what))
	}
	picked, err := w.Ask.Choose(ctx, Question{"Provisioning Network", "A network besides the machines', from which hosts can be booted."}, options, 0)
	if err != nil {
		return err
	}
	p.ProvisioningNetwork = networks[picked].name
	if err := w.machineNetwork(ctx); err != nil {
		return err
	}
	if err := w.addresses(ctx, bareMetalPath.Child("apiVIPs"), &p.APIVIPs, bareMetalPath.Child("ingressVIPs"), &p.IngressVIPs); err != nil {
		return err
	}
	return w.hosts(ctx, p)
}

// usualMasters is the number of hosts that are proposed as masters.
const usualMasters = 3

// hosts asks for hosts until the person has no more and the rules are content.
func (w *wizard) hosts(ctx context.Context, p *types.BareMetalPlatform) error {
	for {
		p.Hosts = append(p.Hosts, types.BareMetalHost{})
		if err := w.host(ctx, &p.Hosts[len(p.Hosts)-1], bareMetalPath.Child("hosts").Index(len(p.Hosts)-1)); err != nil {
			return err
		}
		w.count(p.Hosts)
		more, err := w.Ask.Confirm(ctx, Question{Message: "Another host?"}, len(p.Hosts) < usualMasters)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		err = w.problem(report.NewPath("controlPlane"), report.NewPath("compute"), bareMetalPath.Child("hosts"))
		if err == nil {
			return nil
		}
		event.Warn(w.Sink, "These hosts are not enough: "+err.Error())
	}
}

// count sets the pools to what the hosts are meant for.
func (w *wizard) count(hosts []types.BareMetalHost) {
	var masters, workers int64
	for _, h := range hosts {
		if h.Role == types.MasterPool {
			masters++
		} else {
			workers++
		}
	}
	w.config.ControlPlane = &types.MachinePool{Name: types.MasterPool, Replicas: &masters}
	w.config.Compute = []types.MachinePool{{Name: types.WorkerPool, Replicas: &workers}}
}

func (w *wizard) host(ctx context.Context, h *types.BareMetalHost, at report.Path) error {
	masters := 0
	for _, other := range w.config.Platform.BareMetal.Hosts {
		if other.Role == types.MasterPool {
			masters++
		}
	}
	for _, f := range []struct {
		Question
		at    report.Path
		field *string
	}{
		{Question{"Host Name", "The name of the host, here and in the cluster."}, at.Child("name"), &h.Name},
		{Question{"BMC Address", "The URL of the host's management controller, like redfish-virtualmedia://192.0.2.9/redfish/v1/Systems/1."}, at.Child("bmc", "address"), &h.BMC.Address},
		{Question{"BMC Username", ""}, at.Child("bmc", "username"), &h.BMC.Username},
	} {
		if err := w.text(ctx, f.Question, "", required(f.field), f.at); err != nil {
			return err
		}
	}
	if err := w.hidden(ctx, Question{"BMC Password", ""}, at.Child("bmc", "password"), &h.BMC.Password); err != nil {
		return err
	}
	mac := Question{"Boot MAC Address", "Of the network card that is in the machine network, or in the provisioning network if there is one."}
	if err := w.text(ctx, mac, "", required(&h.BootMACAddress), at.Child("bootMACAddress")); err != nil {
		return err
	}
	roles, preset := []string{types.MasterPool, types.WorkerPool}, 0
	if masters >= usualMasters {
		preset = 1
	}
	picked, err := w.Ask.Choose(ctx, Question{"Role", "Masters run the control plane, workers what you install on the cluster."}, roles, preset)
	h.Role = roles[picked]
	return err
}
