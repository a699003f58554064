package network

import (
	"bytes"
	"fmt"
	"net/netip"
	"path/filepath"
	"text/template"
)

// dnsmasqTemplate serves names and addresses on the bridge and has no upstream:
// "local=/./" keeps every unknown name here, so that it fails at once with
// NXDOMAIN.
var dnsmasqTemplate = template.Must(template.New("dnsmasq").Parse(`# Made by okd-lab; changes are lost.
keep-in-foreground
log-facility=-
user=root
pid-file
no-hosts
no-resolv
no-poll
interface={{.Bridge}}
listen-address={{.Gateway}}
bind-interfaces
except-interface=lo
domain={{.Domain}}
local=/{{.Domain}}/
address=/#/
cache-size=0
local-ttl=5
{{range .Hosts}}host-record={{.Name}},{{.Address}}
{{end}}{{range .Clusters}}host-record=api.{{.Domain}},{{.API}}
address=/apps.{{.Domain}}/{{.Ingress}}
local=/{{.Domain}}/
{{end}}dhcp-authoritative
dhcp-range={{.First}},{{.Last}},{{.Mask}},12h
dhcp-option=option:router,{{.Gateway}}
dhcp-option=option:dns-server,{{.Gateway}}
dhcp-leasefile={{.Leases}}
dhcp-no-override
no-ping
quiet-dhcp
conf-dir={{.DropIns}},*.conf
`))

// DropInDir is where, below the directory of Dnsmasq, an operator's own
// settings are: names of clusters, addresses of machines. It must exist.
const DropInDir = "dnsmasq.d"

type hostRecord struct {
	Name    string
	Address netip.Addr
}

// Dnsmasq renders the configuration of a lab's dnsmasq, which keeps its leases
// in dir.
func Dnsmasq(dir string, clusters []Cluster) ([]byte, error) {
	var out bytes.Buffer
	err := dnsmasqTemplate.Execute(&out, map[string]any{
		"Bridge":   Bridge,
		"Domain":   Domain,
		"Hosts":    records(),
		"Clusters": clusters,
		"First":    poolFirst, "Last": poolLast, "Mask": "255.255.255.0",
		"Gateway": Gateway,
		"Leases":  filepath.Join(dir, "dnsmasq.leases"),
		"DropIns": filepath.Join(dir, DropInDir),
	})
	if err != nil {
		return nil, fmt.Errorf("render dnsmasq configuration: %w", err)
	}
	return out.Bytes(), nil
}

func records() []hostRecord {
	list := []hostRecord{
		{RegistryName, Registry}, {MirrorName, Registry}, {ImagesName, Registry},
		{UpdatesName, Registry}, {EngineName, Engine},
	}
	for _, name := range OutsideNames() {
		list = append(list, hostRecord{name, Registry})
	}
	for n, addr := range Hosts {
		list = append(list, hostRecord{HostName(n), addr})
	}
	return list
}

// ResolvConf is what a client of the lab's DNS has in /etc/resolv.conf.
func ResolvConf() []byte {
	return fmt.Appendf(nil, "search %s\nnameserver %s\noptions timeout:1 attempts:2\n", Domain, Gateway)
}
