package center

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"text/template"

	"github.com/okd-install/okd-install/pkg/lab/network"
)

var hostNetwork = template.Must(template.New("network-config").Parse(`interfaces:
- name: eno1
  type: ethernet
  state: up
  mac-address: {{.MAC}}
  ipv4:
    enabled: true
    dhcp: false
    address:
    - ip: {{.Address}}
      prefix-length: {{.Bits}}
dns-resolver:
  config:
    server:
    - {{.Gateway}}
routes:
  config:
  - destination: 0.0.0.0/0
    next-hop-address: {{.Gateway}}
    next-hop-interface: eno1`))

// functions are for templates of files with hosts.
var functions = template.FuncMap{"networkConfig": networkConfig}

// networkConfig is the network of a host in nmstate's format, indented by a number of levels.
func networkConfig(mac string, address netip.Addr, levels int) (string, error) {
	var out bytes.Buffer
	err := hostNetwork.Execute(&out, map[string]any{
		"MAC": mac, "Address": address, "Bits": network.MachineNetwork.Bits(), "Gateway": network.Gateway,
	})
	if err != nil {
		return "", fmt.Errorf("network of host %s: %w", mac, err)
	}
	text := out.String()
	for range levels {
		text = indent(text)
	}
	return strings.TrimSuffix(text, "\n"), nil
}
