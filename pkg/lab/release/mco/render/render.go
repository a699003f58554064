package render

import (
	"fmt"
	"io/fs"
	"path"

	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/ign"
)

// templates are the machine configs that the controller makes for a role.
func templates(cc *mcfgv1.ControllerConfig, pullSecret []byte, role string) ([]*mcfgv1.MachineConfig, error) {
	d, err := NewData(cc, role)
	if err != nil {
		return nil, err
	}
	first, err := base(d, cc.Spec.AdditionalTrustBundle, pullSecret)
	if err != nil {
		return nil, fmt.Errorf("render machine config 00-%s: %w", role, err)
	}
	m, err := newConfig("00-"+role, role, first)
	if err != nil {
		return nil, err
	}
	out := []*mcfgv1.MachineConfig{m}
	for _, part := range []struct {
		name  string
		items []item
	}{
		{"01-" + role + "-container-runtime", []item{
			{template: "node/crio-default.tmpl", path: "/etc/crio/crio.conf.d/00-default", mode: 0o644},
		}},
		{"01-" + role + "-kubelet", []item{
			{template: "node/kubelet.conf.tmpl", path: "/etc/kubernetes/kubelet.conf", mode: 0o644},
			{template: "node/kubelet.service.tmpl", unit: "kubelet.service"},
		}},
	} {
		cfg := ign.New()
		if err := add(&cfg, d, part.items); err != nil {
			return nil, fmt.Errorf("render machine config %s: %w", part.name, err)
		}
		if m, err = newConfig(part.name, role, cfg); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// item is one template and where it goes.
type item struct {
	template string // below templates/
	path     string // a file, or
	unit     string // a unit
	mode     int
}

// base is what a node needs besides Kubernetes.
func base(d Data, trust, pullSecret []byte) (ign.Config, error) {
	c := ign.New()
	ign.AddFile(&c, "/var/lib/kubelet/config.json", 0o600, pullSecret)
	if len(trust) > 0 {
		ign.AddFile(&c, "/etc/pki/ca-trust/source/anchors/openshift-config-user-ca-bundle.crt", 0o644, trust)
	}
	items := []item{
		{template: "node/nodeip-configuration.tmpl", path: "/usr/local/bin/nodeip-configuration", mode: 0o755},
		{template: "node/nodeip-configuration.service.tmpl", unit: "nodeip-configuration.service"},
	}
	if d.Proxy != nil {
		items = append(items, item{template: "node/proxy.env.tmpl", path: "/etc/mco/proxy.env", mode: 0o644})
		for _, unit := range []string{"crio.service", "kubelet.service"} {
			ign.AddDropin(&c, unit, "10-mco-default-env.conf", "[Service]\nEnvironmentFile=/etc/mco/proxy.env\n")
		}
	}
	if d.onPrem {
		const dispatcher = "/etc/NetworkManager/dispatcher.d/30-resolv-prepender"
		items = append(items,
			item{template: "node/30-resolv-prepender.tmpl", path: dispatcher, mode: 0o755},
			item{template: "node/resolv-prepender.service.tmpl", unit: "on-prem-resolv-prepender.service"},
		)
	}
	if err := add(&c, d, items); err != nil {
		return c, err
	}
	files, err := OnPrem(d)
	for _, f := range files {
		ign.AddFile(&c, path.Join("/etc/kubernetes", f.Path), 0o644, f.Data)
	}
	return c, err
}

func add(c *ign.Config, d Data, items []item) error {
	for _, it := range items {
		data, err := program.FillFile(embedded, "templates/"+it.template, d)
		if err != nil {
			return err
		}
		if it.unit != "" {
			ign.AddUnit(c, it.unit, string(data))
		} else {
			ign.AddFile(c, it.path, it.mode, data)
		}
	}
	return nil
}

// File is a file below /etc/kubernetes.
type File struct {
	Path string
	Data []byte
}

// OnPrem are the static pods of the platform and the templates that runtimecfg
// fills in for them; none where others serve the addresses.
func OnPrem(d Data) ([]File, error) {
	if !d.onPrem {
		return nil, nil
	}
	var out []File
	for _, pod := range []struct {
		name, resource string
		runs           bool
	}{
		{"coredns", "Corefile.tmpl", true},
		{"haproxy", "haproxy.cfg.tmpl", d.balancer && d.Master && !d.Bootstrap},
		{"keepalived", "keepalived.conf.tmpl", d.balancer},
	} {
		if !pod.runs {
			continue
		}
		manifest, err := program.FillFile(embedded, "templates/onprem/"+pod.name+".yaml.tmpl", d)
		if err != nil {
			return nil, err
		}
		raw, err := fs.ReadFile(OnPremTemplates(), pod.resource)
		if err != nil {
			return nil, err
		}
		out = append(out,
			File{"manifests/" + pod.name + ".yaml", manifest},
			File{"static-pod-resources/" + pod.name + "/" + pod.resource, raw},
		)
	}
	return out, nil
}
