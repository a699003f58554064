package center

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"text/template"

	"github.com/okd-install/okd-install/pkg/lab/network"
)

// Host is a host that an agent-config.yaml names.
type Host struct {
	Name, Role string
	MAC        string
	Address    netip.Addr
}

// Hosts are those of a cluster, each with an address of its own and the network card by
// which it is recognized.
func Hosts(size ClusterSize) ([]Host, error) {
	const first, last = 20, 99
	count := size.Masters + size.Arbiters + size.Workers
	if size.Masters < 1 || size.Arbiters < 0 || size.Workers < 0 || first+count-1 > last {
		return nil, fmt.Errorf("%d masters, %d arbiters and %d workers: the lab has addresses for 1 to %d hosts",
			size.Masters, size.Arbiters, size.Workers, last-first+1)
	}
	var hosts []Host
	for _, group := range []struct {
		role  string
		count int
	}{{"master", size.Masters}, {"arbiter", size.Arbiters}, {"worker", size.Workers}} {
		for i := range group.count {
			number := byte(first + len(hosts))
			address := network.MachineNetwork.Masked().Addr().As4()
			address[3] = number
			mac := net.HardwareAddr{0x52, 0x54, 0, 0, 0, number}
			name := fmt.Sprintf("%s-%d", group.role, i)
			hosts = append(hosts, Host{name, group.role, mac.String(), netip.AddrFrom4(address)})
		}
	}
	return hosts, nil
}

var agentConfig = template.Must(template.New("agent-config").Funcs(functions).Parse(`apiVersion: v1beta1
kind: AgentConfig
metadata:
  name: {{.Name}}
rendezvousIP: {{(index .Hosts 0).Address}}
hosts:
{{- range .Hosts}}
- hostname: {{.Name}}
  role: {{.Role}}
  interfaces:
  - name: eno1
    macAddress: {{.MAC}}
  networkConfig:
{{networkConfig .MAC .Address 2}}
{{- end}}
`))

// AgentConfig writes an agent-config.yaml with static addresses for the hosts of a
// cluster.
func AgentConfig(size ClusterSize) ([]byte, error) {
	hosts, err := Hosts(size)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = agentConfig.Execute(&out, map[string]any{"Name": size.Name, "Hosts": hosts})
	if err != nil {
		return nil, fmt.Errorf("write agent-config: %w", err)
	}
	return out.Bytes(), nil
}
