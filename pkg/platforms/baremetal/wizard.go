package baremetal

import (
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/wizard"
)

// Wizard is what is asked about bare metal.
func Wizard() wizard.Platform {
	return wizard.Platform{Kind: config.Kind(), What: "hosts with a management controller (BMC)",
		Ask: func(ctx context.Context, s *wizard.Session) error {
			return (&questions{s, &config.Platform{}}).ask(ctx)
		}}
}

// questions are those about bare metal in a round of questions.
type questions struct {
	*wizard.Session
	platform *config.Platform
}

var hostsPath = report.NewPath("platform", config.Name, "hosts")

func (q *questions) ask(ctx context.Context) error {
	q.Draft.Platform.Settings = q.platform
	networks := []struct{ name, what string }{
		{config.ProvisioningDisabled, "hosts boot from virtual media"},
		{config.ProvisioningManaged, "the cluster serves DHCP and PXE in it"},
		{config.ProvisioningUnmanaged, "your DHCP and PXE serve it"},
	}
	var options []string
	for _, n := range networks {
		options = append(options, fmt.Sprintf("%s (%s)", n.name, n.what))
	}
	picked, err := q.Ask.Choose(ctx, wizard.Question{Message: "Provisioning Network",
		Help: "A network besides the machines', from which hosts can be booted."}, options, 0)
	if err != nil {
		return err
	}
	q.platform.ProvisioningNetwork = networks[picked].name
	if err := q.MachineNetwork(ctx); err != nil {
		return err
	}
	if err := q.VIPs(ctx); err != nil {
		return err
	}
	return q.hosts(ctx)
}

// usualMasters is the number of hosts that are proposed as masters.
const usualMasters = 3

// hosts asks for hosts until the person has no more and the rules are content.
func (q *questions) hosts(ctx context.Context) error {
	p := q.platform
	for {
		p.Hosts = append(p.Hosts, config.Host{})
		if err := q.host(ctx, &p.Hosts[len(p.Hosts)-1], hostsPath.Index(len(p.Hosts)-1)); err != nil {
			return err
		}
		q.count(p.Hosts)
		more, err := q.Ask.Confirm(ctx, wizard.Question{Message: "Another host?"}, len(p.Hosts) < usualMasters)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		err = q.Problem(report.NewPath("controlPlane"), report.NewPath("compute"), hostsPath)
		if err == nil {
			return nil
		}
		event.Warn(q.Sink, "These hosts are not enough: "+err.Error())
	}
}

// count sets the pools to what the hosts are meant for.
func (q *questions) count(hosts []config.Host) {
	controlPlane := masters(hosts)
	workers := int64(len(hosts)) - controlPlane
	q.Draft.ControlPlane = &types.MachinePool{Name: types.MasterPool, Replicas: &controlPlane}
	q.Draft.Compute = []types.MachinePool{{Name: types.WorkerPool, Replicas: &workers}}
}

func masters(hosts []config.Host) (n int64) {
	for _, h := range hosts {
		if h.Role == types.MasterPool {
			n++
		}
	}
	return n
}

func (q *questions) host(ctx context.Context, h *config.Host, at report.Path) error {
	for _, f := range []struct {
		wizard.Question
		at    report.Path
		field *string
	}{
		{wizard.Question{Message: "Host Name", Help: "The name of the host, here and in the cluster."},
			at.Child("name"), &h.Name},
		{wizard.Question{Message: "BMC Address", Help: "The URL of the host's management controller, " +
			"like redfish-virtualmedia://192.0.2.9/redfish/v1/Systems/1."}, at.Child("bmc", "address"), &h.BMC.Address},
		{wizard.Question{Message: "BMC Username"}, at.Child("bmc", "username"), &h.BMC.Username},
	} {
		if err := q.Text(ctx, f.Question, "", wizard.Required(f.field), f.at); err != nil {
			return err
		}
	}
	password := at.Child("bmc", "password")
	if err := q.Secret(ctx, wizard.Question{Message: "BMC Password"}, password, &h.BMC.Password); err != nil {
		return err
	}
	mac := wizard.Question{Message: "Boot MAC Address",
		Help: "Of the network card that is in the machine network, or in the provisioning network if there is one."}
	if err := q.Text(ctx, mac, "", wizard.Required(&h.BootMACAddress), at.Child("bootMACAddress")); err != nil {
		return err
	}
	roles, preset := []string{types.MasterPool, types.WorkerPool}, 0
	if masters(q.platform.Hosts) >= usualMasters {
		preset = 1
	}
	picked, err := q.Ask.Choose(ctx, wizard.Question{Message: "Role",
		Help: "Masters run the control plane, workers what you install on the cluster."}, roles, preset)
	h.Role = roles[picked]
	return err
}
