package clustermanifests

import (
	"cmp"
	"net/netip"
	"strings"

	"github.com/okd-install/okd-install/pkg/types/agent"
)

// What the live system of the hosts takes from a definition.

// RegistriesConf is registries.conf as the user left it.
func (d Definition) RegistriesConf() []byte { return d.files.Data(registriesFile) }

// Authorities are the certificates that the live system trusts, in PEM.
func (d Definition) Authorities() string {
	var parts []string
	for _, part := range []string{d.Bundle, d.InfraEnv.Spec.AdditionalTrustBundle} {
		if part = strings.TrimSpace(part); part != "" && (len(parts) == 0 || parts[0] != part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "\n")
}

// SSHKeys are those that may log in to the live system.
func (d Definition) SSHKeys() []string {
	var keys []string
	for line := range strings.Lines(cmp.Or(d.InfraEnv.Spec.SSHAuthorizedKey, d.Install.Spec.SSHPublicKey)) {
		if line = strings.TrimSpace(line); line != "" {
			keys = append(keys, line)
		}
	}
	return keys
}

// FirstAddress is the first static address of the network configurations without those that
// skip names by their interfaces, the zero value if there is none.
func (d Definition) FirstAddress(skip func([]agent.Interface) bool) netip.Addr {
	for _, n := range d.networks {
		if ip := n.firstAddress(); ip.IsValid() && !skip(n.interfaces) {
			return ip
		}
	}
	return netip.Addr{}
}
