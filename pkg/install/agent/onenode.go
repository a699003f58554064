package agent

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/exit"
)

// Node is the only host that is added, as the flags describe it.
type Node struct {
	MAC, Hostname, Role, Architecture     string
	SSHKeyFile, RootHint, NetworkConfFile string
}

// given reports whether the flags name a host.
func (n Node) given() bool { return n != Node{} }

// nodeNIC is what the interface of a host is called that only has a MAC address, as in oc.
const nodeNIC = "eth0"

// config is a nodes-config.yaml of the host.
func (n Node) config() ([]byte, error) {
	if n.MAC == "" {
		return nil, exit.New("name the host with --mac-address, or describe hosts in nodes-config.yaml",
			"the flags for a single host need --mac-address, by which the host is recognized")
	}
	name := nodeNIC
	host := map[string]any{}
	if n.Hostname != "" {
		host["hostname"] = n.Hostname
	}
	if n.Role != "" {
		host["role"] = n.Role
	}
	if n.RootHint != "" {
		hint, value, ok := strings.Cut(n.RootHint, ":")
		if !ok {
			return nil, exit.New("write it as in deviceName:/dev/sda", "--root-device-hint %q has no colon", n.RootHint)
		}
		host["rootDeviceHints"] = map[string]any{hint: hintValue(hint, value)}
	}
	if n.NetworkConfFile != "" {
		network, err := n.network()
		if err != nil {
			return nil, err
		}
		host["networkConfig"] = network
		if only := onlyInterface(network); only != "" {
			name = only
		}
	}
	host["interfaces"] = []any{map[string]any{"name": name, "macAddress": n.MAC}}
	config := map[string]any{"hosts": []any{host}}
	if n.Architecture != "" {
		config["cpuArchitecture"] = n.Architecture
	}
	if n.SSHKeyFile != "" {
		key, err := os.ReadFile(n.SSHKeyFile)
		if err != nil {
			return nil, fmt.Errorf("--ssh-key-path: %w", err)
		}
		config["sshKey"] = string(key)
	}
	return yaml.Marshal(config)
}

// hintValue is the value of a hint. Those that are no text stay one if they cannot be read, so that
// the rules for hints refuse them.
func hintValue(hint, text string) any {
	switch hint {
	case "minSizeGigabytes":
		if n, err := strconv.Atoi(text); err == nil {
			return n
		}
	case "rotational":
		if is, err := strconv.ParseBool(text); err == nil {
			return is
		}
	}
	return text
}

// network reads the network configuration.
func (n Node) network() (map[string]any, error) {
	raw, err := os.ReadFile(n.NetworkConfFile)
	if err != nil {
		return nil, fmt.Errorf("--network-config-path: %w", err)
	}
	var out map[string]any
	if err := yaml.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("--network-config-path: read %s: %w", n.NetworkConfFile, err)
	}
	return out, nil
}

// onlyInterface is the name of the only ethernet interface of a network configuration: the MAC address
// can only be its own. With several it is the one called eth0.
func onlyInterface(network map[string]any) string {
	list, _ := network["interfaces"].([]any)
	var names []string
	for _, item := range list {
		nic, _ := item.(map[string]any)
		if name, _ := nic["name"].(string); name != "" && nic["type"] == "ethernet" {
			names = append(names, name)
		}
	}
	if len(names) != 1 {
		return ""
	}
	return names[0]
}
