package render

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/okd-install/okd-install/pkg/ignition"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/ign"
)

// Names that the objects share.
const (
	APIVersion     = "machineconfiguration.openshift.io/v1"
	RoleLabel      = "machineconfiguration.openshift.io/role"
	ControllerName = "machine-config-controller" // the one ControllerConfig
)

// newConfig is a machine config of a role.
func newConfig(name, role string, cfg ign.Config) (*mcfgv1.MachineConfig, error) {
	raw, err := ignition.Compact(cfg)
	if err != nil {
		return nil, fmt.Errorf("make machine config %s: %w", name, err)
	}
	out := &mcfgv1.MachineConfig{
		TypeMeta:   metav1.TypeMeta{APIVersion: APIVersion, Kind: "MachineConfig"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{RoleLabel: role}},
	}
	out.Spec.Config.Raw = raw
	return out, nil
}

// Pool is the standard pool of a role.
func Pool(role string) *mcfgv1.MachineConfigPool {
	p := &mcfgv1.MachineConfigPool{
		TypeMeta: metav1.TypeMeta{APIVersion: APIVersion, Kind: "MachineConfigPool"},
		ObjectMeta: metav1.ObjectMeta{Name: role, Labels: map[string]string{
			"machineconfiguration.openshift.io/mco-built-in":           "",
			"pools.operator.machineconfiguration.openshift.io/" + role: "",
		}},
	}
	p.Spec.MachineConfigSelector = &metav1.LabelSelector{MatchLabels: map[string]string{RoleLabel: role}}
	p.Spec.NodeSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"node-role.kubernetes.io/" + role: ""}}
	return p
}

// choose finds the configs of a pool in the order in which they are merged.
// Rendered configs carry no role and are never selected.
func choose(pool *mcfgv1.MachineConfigPool, configs []*mcfgv1.MachineConfig) ([]*mcfgv1.MachineConfig, error) {
	sel, err := metav1.LabelSelectorAsSelector(pool.Spec.MachineConfigSelector)
	if err != nil {
		return nil, fmt.Errorf("read selector of pool %s: %w", pool.Name, err)
	}
	var out []*mcfgv1.MachineConfig
	for _, c := range configs {
		if !strings.HasPrefix(c.Name, "rendered-") && sel.Matches(labels.Set(c.Labels)) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *mcfgv1.MachineConfig) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Merge merges configs into that of the pool's machines. Its name holds a hash of
// the contents: equal on the bootstrap machine and in the cluster.
func Merge(pool string, configs []*mcfgv1.MachineConfig) (*mcfgv1.MachineConfig, error) {
	if len(configs) == 0 {
		return nil, fmt.Errorf("render pool %s: no machine config is labelled %s=%s", pool, RoleLabel, pool)
	}
	merged := ign.New()
	out := &mcfgv1.MachineConfig{TypeMeta: metav1.TypeMeta{APIVersion: APIVersion, Kind: "MachineConfig"}}
	out.Spec.KernelArguments, out.Spec.Extensions = []string{}, []string{}
	out.Spec.KernelType = "default"
	for _, c := range configs {
		if len(c.Spec.Config.Raw) > 0 {
			cfg, err := ign.Parse(c.Spec.Config.Raw)
			if err != nil {
				return nil, fmt.Errorf("render pool %s: machine config %s: %w", pool, c.Name, err)
			}
			merged = ign.Merge(merged, cfg)
		}
		out.Spec.KernelArguments = append(out.Spec.KernelArguments, c.Spec.KernelArguments...)
		out.Spec.Extensions = append(out.Spec.Extensions, c.Spec.Extensions...)
		out.Spec.FIPS = out.Spec.FIPS || c.Spec.FIPS
		if c.Spec.KernelType != "" {
			out.Spec.KernelType = c.Spec.KernelType
		}
		if c.Spec.OSImageURL != "" {
			out.Spec.OSImageURL = c.Spec.OSImageURL
		}
	}
	raw, err := ignition.Compact(merged)
	if err != nil {
		return nil, fmt.Errorf("render pool %s: %w", pool, err)
	}
	out.Spec.Config.Raw = raw
	spec, err := json.Marshal(out.Spec)
	if err != nil {
		return nil, fmt.Errorf("render pool %s: %w", pool, err)
	}
	sum := sha256.Sum256(spec)
	out.Name = "rendered-" + pool + "-" + hex.EncodeToString(sum[:16])
	return out, nil
}

// registries is the machine config that tells the container runtime about
// mirrors; nil when there are none.
func registries(role string, sets []configv1.ImageDigestMirrorSet) (*mcfgv1.MachineConfig, error) {
	var mirrors []configv1.ImageDigestMirrors
	for _, s := range sets {
		mirrors = append(mirrors, s.Spec.ImageDigestMirrors...)
	}
	if len(mirrors) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(mirrors, func(a, b configv1.ImageDigestMirrors) int {
		return strings.Compare(a.Source, b.Source)
	})
	text, err := program.FillFile(embedded, "templates/registries.conf.tmpl", mirrors)
	if err != nil {
		return nil, err
	}
	cfg := ign.New()
	ign.AddFile(&cfg, "/etc/containers/registries.conf", 0o644, text)
	return newConfig("99-"+role+"-generated-registries", role, cfg)
}
