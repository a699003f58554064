package center

import (
	"fmt"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/lab/daemon"
)

// metalHost is a host whose BMC the installer is to use.
type metalHost struct {
	Host
	BMC, User, Password string
}

// metalHosts are the hosts of a cluster with the logins of their BMCs: none if none of them is in the rack with one.
func metalHosts(rack []daemon.Host, size ClusterSize) ([]metalHost, error) {
	all, err := Hosts(size)
	if err != nil {
		return nil, err
	}
	var out []metalHost
	var lacking []string
	for _, h := range all {
		i := slices.IndexFunc(rack, func(r daemon.Host) bool { return r.Name == h.Name })
		if i < 0 || rack[i].BMC == nil || len(rack[i].MACs) == 0 {
			lacking = append(lacking, h.Name)
			continue
		}
		b := rack[i].BMC
		address, err := BMCAddress(b)
		if err != nil {
			return nil, err
		}
		h.MAC = rack[i].MACs[0]
		out = append(out, metalHost{Host: h, User: b.User, Password: b.Password, BMC: address})
	}
	if len(out) > 0 && len(lacking) > 0 {
		return nil, fmt.Errorf("hosts %s are not in the rack, or have no BMC, and others of the cluster have one; make them "+
			"with okd-lab hosts create NAME --bmc PROFILE", strings.Join(lacking, ", "))
	}
	return out, nil
}

const bmcScheme = "redfish-virtualmedia"

// BMCAddress is how an install-config names a BMC.
func BMCAddress(b *daemon.BMC) (string, error) {
	profile, err := vendor.Load(b.Profile)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s://%s/redfish/v1/Systems/%s", bmcScheme, b.Address, profile.System), nil
}
