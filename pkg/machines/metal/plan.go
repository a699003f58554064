package metal

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"

	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// Plan describes the hosts that are started, and the medium that they are started from. It is pure. There is no machine
// for the bootstrap: one of the hosts does that, too.
func Plan(cfg *types.InstallConfig, infraID string, image plan.Image) (plan.Plan, error) {
	platform := config.Of(cfg)
	if platform == nil {
		return plan.Plan{}, errors.New("plan infrastructure: the platform is not baremetal")
	}
	if err := checkInfraID(infraID); err != nil {
		return plan.Plan{}, fmt.Errorf("plan infrastructure: %w", err)
	}
	p := plan.Plan{Platform: config.Name, InfraID: infraID, Provide: machines.Names(cfg)}
	medium := plan.Object{Kind: plan.KindMedium, Name: infraID + ".iso", Stage: plan.StageImage,
		Spec: plan.Medium{Image: image, From: cmp.Or(secret.URL(image.URL), "this machine")}}
	medium.Key = plan.KeyOf(medium.Kind, medium.Name)
	p.Objects = append(p.Objects, medium)
	roles := rolesOf(cfg)
	for _, h := range platform.Hosts {
		p.Objects = append(p.Objects, plan.Object{
			Key: plan.KeyOf(plan.KindHost, h.Name), Kind: plan.KindHost, Name: h.Name, Stage: plan.StageInfrastructure,
			Needs: []plan.Key{medium.Key},
			Spec:  plan.Server{Role: roles[h.Name], BMC: h.BMC.Address, MAC: h.BootMACAddress, BootMode: h.BootMode},
		})
	}
	return p, p.Validate()
}

// rolesOf are the roles of the hosts, by name. Those of spare hosts are empty.
func rolesOf(cfg *types.InstallConfig) map[string]string {
	out := map[string]string{}
	for role, list := range machines.ByRole(cfg) {
		for _, m := range list {
			out[m.Name] = role
		}
	}
	return out
}

// infraIDs are the IDs of clusters, which are in the names of media.
var infraIDs = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?-[a-z0-9]{5}$`)

func checkInfraID(id string) error {
	if !infraIDs.MatchString(id) {
		return fmt.Errorf("%q is not an infrastructure ID; it looks like mycluster-x7k2p and stands in metadata.json", id)
	}
	return nil
}
