package config

import (
	"github.com/okd-install/okd-install/pkg/release/versions"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/compat"
)

var _ compat.Platform = (*Platform)(nil)

// ReleaseFields implements compat.Platform.
func (p *Platform) ReleaseFields(at report.Path) []compat.Field {
	release := func(major, minor int64) versions.Minor { return versions.Minor{Major: major, Minor: minor} }
	const ownImage = "remove it, and the release's own image is taken"
	records := compat.Field{At: at.Child("dnsRecordsType"), Used: p.DNSRecordsType != "",
		Since: release(4, 22), Partly: release(4, 21), Instead: "remove it"}
	if p.DNSRecordsType == DNSRecordsExternal {
		records.Gate = compat.DNSRecords
	}
	return []compat.Field{
		records,
		{At: at.Child("provisioningNetworkGateway"), Used: p.ProvisioningNetworkGateway.IsValid(),
			Since: release(5, 0), Partly: release(4, 22),
			Instead: "have the router announced by a DHCP server of your own, with provisioningNetwork: Unmanaged"},
		{At: at.Child("bootstrapOSImage"), Used: p.BootstrapOSImage != "", Deprecated: release(5, 0), Instead: ownImage},
		{At: at.Child("clusterOSImage"), Used: p.ClusterOSImage != "", Deprecated: release(5, 0), Instead: ownImage},
	}
}
