package center

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"text/template"

	"github.com/okd-install/okd-install/pkg/lab/daemon"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/site"
)

// ClusterSize is what may be chosen about an install-config for a lab.
type ClusterSize struct {
	Name     string
	Platform string // ovirt, baremetal or none
	// Arbiters are only possible on baremetal.
	Masters, Arbiters, Workers int
}

const (
	onOvirt = "ovirt"
	onMetal = "baremetal"
	onNone  = "none"
)

var installConfig = template.Must(template.New("install-config").Funcs(functions).Parse(`{{define "hardware"}}
  platform:
    ovirt:
      cpu: {sockets: 1, cores: 4, threads: 1}
      memoryMB: 16384
      osDisk: {sizeGB: 120}
{{- end -}}
apiVersion: v1
baseDomain: {{.BaseDomain}}
metadata:
  name: {{.Size.Name}}
controlPlane:
  name: master
  replicas: {{.Size.Masters}}
{{- if eq .Platform "ovirt"}}{{template "hardware"}}{{end}}
{{- if .Size.Arbiters}}
arbiter:
  name: arbiter
  replicas: {{.Size.Arbiters}}
{{- end}}
compute:
- name: worker
  replicas: {{.Size.Workers}}
{{- if eq .Platform "ovirt"}}{{template "hardware"}}{{end}}
networking:
  networkType: OVNKubernetes
  machineNetwork:
  - cidr: {{.Machines}}
  clusterNetwork:
  - cidr: {{.Pods}}
    hostPrefix: 24
  serviceNetwork:
  - {{.Services}}
platform:
{{- if eq .Platform "ovirt"}}
  ovirt:
    ovirt_cluster_id: {{.Objects.ClusterID}}
    ovirt_storage_domain_id: {{.Objects.StorageDomainID}}
    ovirt_network_name: {{.Objects.NetworkName}}
    vnicProfileID: {{.Objects.VNICProfileID}}
    api_vips: [{{.Cluster.API}}]
    ingress_vips: [{{.Cluster.Ingress}}]
{{- else if eq .Platform "baremetal"}}
  baremetal:
    apiVIPs: [{{.Cluster.API}}]
    ingressVIPs: [{{.Cluster.Ingress}}]
    provisioningNetwork: Disabled
{{- if .Hosts}}
    bmcVerifyCA: |
{{.BMCCA}}
    hosts:
{{- range .Hosts}}
    - name: {{.Name}}
      role: {{.Role}}
      bootMACAddress: {{.MAC}}
      bmc:
        address: {{.BMC}}
        username: {{.User}}
        password: {{.Password}}
      networkConfig:
{{networkConfig .MAC .Address 4}}
{{- end}}
{{- end}}
{{- else}}
  none: {}
{{- end}}
pullSecret: '{{.PullSecret}}'
sshKey: '{{.SSHKey}}'
additionalTrustBundlePolicy: Always
additionalTrustBundle: |
{{.CA}}`))

// InstallConfig writes an install-config.yaml that fits the lab. On baremetal it names the hosts in the rack, if they
// have BMCs.
func InstallConfig(s site.Site, objects daemon.Objects, rack []daemon.Host, size ClusterSize) ([]byte, error) {
	f, err := s.Facts()
	if err != nil {
		return nil, err
	}
	if size.Platform == "" {
		size.Platform = onOvirt
	}
	cluster, err := clusterFor(f, size)
	if err != nil {
		return nil, err
	}
	var hosts []metalHost
	if size.Platform == onMetal {
		if hosts, err = metalHosts(rack, size); err != nil {
			return nil, err
		}
	}
	read := map[string]string{site.CAFile: "", site.PullFile: "", site.SSHKeyFile + ".pub": ""}
	for name := range read {
		b, err := os.ReadFile(s.File(name))
		if err != nil {
			return nil, fmt.Errorf("write install-config: %w", err)
		}
		read[name] = strings.TrimSpace(string(b))
	}
	var out bytes.Buffer
	err = installConfig.Execute(&out, map[string]any{
		"Cluster": cluster, "Platform": size.Platform, "Size": size, "Objects": objects, "BaseDomain": network.BaseDomain,
		"Machines": network.MachineNetwork, "Pods": network.PodNetwork, "Services": network.ServiceNetwork,
		"PullSecret": read[site.PullFile], "SSHKey": read[site.SSHKeyFile+".pub"],
		"CA": indent(read[site.CAFile]), "BMCCA": indent(indent(indent(read[site.CAFile]))), "Hosts": hosts,
	})
	if err != nil {
		return nil, fmt.Errorf("write install-config: %w", err)
	}
	return out.Bytes(), nil
}

// clusterFor finds the cluster that the lab has names and addresses for; nil on
// platform none, where the user makes the machines.
func clusterFor(f site.Facts, size ClusterSize) (*network.Cluster, error) {
	switch size.Platform {
	case onNone:
		return nil, nil
	case onOvirt, onMetal:
	default:
		return nil, fmt.Errorf("platform %q is not %s, %s or %s", size.Platform, onOvirt, onMetal, onNone)
	}
	var names []string
	for i, c := range f.Clusters {
		names = append(names, c.Name)
		if c.Name == size.Name {
			return &f.Clusters[i], nil
		}
	}
	return nil, fmt.Errorf("cluster name %q: the lab's DNS is ready for %s", size.Name, strings.Join(names, ", "))
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSuffix(text, "\n") + "\n") {
		b.WriteString("  " + line)
	}
	return b.String()
}
