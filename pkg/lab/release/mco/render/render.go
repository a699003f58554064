package render

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"text/template"

	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/ign"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/mc"
)

// Templates are the machine configs that the controller makes for a role.
func Templates(cc *mcfgv1.ControllerConfig, pullSecret []byte, role string) ([]*mcfgv1.MachineConfig, error) {
	d, err := NewData(cc, role)
	if err != nil {
		return nil, err
	}
	var out []*mcfgv1.MachineConfig
	for _, part := range []struct {
		name string
		fill func(*ign.Config, Data) error
	}{
		{"00-" + role, func(c *ign.Config, d Data) error {
			ign.AddFile(c, "/var/lib/kubelet/config.json", 0o600, pullSecret)
			if ca := cc.Spec.AdditionalTrustBundle; len(ca) > 0 {
				ign.AddFile(c, "/etc/pki/ca-trust/source/anchors/openshift-config-user-ca-bundle.crt", 0o644, ca)
			}
			return base(c, d)
		}},
		{"01-" + role + "-container-runtime", runtime},
		{"01-" + role + "-kubelet", kubelet},
	} {
		cfg := ign.New()
		if err := part.fill(&cfg, d); err != nil {
			return nil, fmt.Errorf("render machine config %s: %w", part.name, err)
		}
		m, err := mc.New(part.name, role, cfg)
		if err != nil {
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

// base is what a node needs besides Kubernetes: its address, its resolver and
// the static pods of the platform.
func base(c *ign.Config, d Data) error {
	items := []item{
		{template: "node/nodeip-configuration.tmpl", path: "/usr/local/bin/nodeip-configuration", mode: 0o755},
		{template: "node/nodeip-configuration.service.tmpl", unit: "nodeip-configuration.service"},
	}
	if d.Proxy != nil {
		items = append(items, item{template: "node/proxy.env.tmpl", path: "/etc/mco/proxy.env", mode: 0o644})
		for _, unit := range []string{"crio.service", "kubelet.service"} {
			ign.AddDropin(c, unit, "10-mco-default-env.conf", "[Service]\nEnvironmentFile=/etc/mco/proxy.env\n")
		}
	}
	if d.onPrem {
		items = append(items,
			item{template: "node/30-resolv-prepender.tmpl", path: "/etc/NetworkManager/dispatcher.d/30-resolv-prepender", mode: 0o755},
			item{template: "node/resolv-prepender.service.tmpl", unit: "on-prem-resolv-prepender.service"},
		)
	}
	if err := add(c, d, items); err != nil {
		return err
	}
	files, err := OnPrem(d)
	if err != nil {
		return err
	}
	for _, f := range files {
		ign.AddFile(c, path.Join("/etc/kubernetes", f.Path), 0o644, f.Data)
	}
	return nil
}

func runtime(c *ign.Config, d Data) error {
	return add(c, d, []item{
		{template: "node/crio-default.tmpl", path: "/etc/crio/crio.conf.d/00-default", mode: 0o644},
	})
}

func kubelet(c *ign.Config, d Data) error {
	return add(c, d, []item{
		{template: "node/kubelet.conf.tmpl", path: "/etc/kubernetes/kubelet.conf", mode: 0o644},
		{template: "node/kubelet.service.tmpl", unit: "kubelet.service"},
	})
}

func add(c *ign.Config, d Data, items []item) error {
	for _, it := range items {
		data, err := execute("templates/"+it.template, d)
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

// execute fills in one template; a missing image or field is an error.
func execute(name string, d Data) ([]byte, error) {
	raw, err := embedded.ReadFile(name)
	if err != nil {
		return nil, err
	}
	t, err := template.New(path.Base(name)).Option("missingkey=error").Parse(string(raw))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, d); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// File is a file below /etc/kubernetes.
type File struct {
	Path string
	Data []byte
}

// OnPrem are the static pods of the platform and the templates that runtimecfg
// fills in for them: manifests/<pod>.yaml, static-pod-resources/<pod>/<name>.
// It is empty on a platform whose addresses are served by others.
func OnPrem(d Data) ([]File, error) {
	if !d.onPrem {
		return nil, nil
	}
	pods := map[string]string{"coredns": "Corefile.tmpl"}
	if d.balancer {
		pods["keepalived"] = "keepalived.conf.tmpl"
		if d.Master && !d.Bootstrap {
			pods["haproxy"] = "haproxy.cfg.tmpl"
		}
	}
	var out []File
	for _, pod := range []string{"coredns", "haproxy", "keepalived"} {
		resource, ok := pods[pod]
		if !ok {
			continue
		}
		manifest, err := execute("templates/onprem/"+pod+".yaml.tmpl", d)
		if err != nil {
			return nil, err
		}
		raw, err := fs.ReadFile(OnPremTemplates(), resource)
		if err != nil {
			return nil, err
		}
		out = append(out,
			File{"manifests/" + pod + ".yaml", manifest},
			File{"static-pod-resources/" + pod + "/" + resource, raw},
		)
	}
	return out, nil
}
