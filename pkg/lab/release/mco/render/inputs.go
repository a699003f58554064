package render

import (
	"errors"
	"fmt"
	"slices"

	configv1 "github.com/openshift/api/config/v1"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	operatorv1alpha1 "github.com/openshift/api/operator/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

// Inputs are all that rendering depends on, from manifests or from the API.
type Inputs struct {
	Controller *mcfgv1.ControllerConfig
	PullSecret []byte
	Pools      []*mcfgv1.MachineConfigPool
	Configs    []*mcfgv1.MachineConfig // the users' own
	Mirrors    []configv1.ImageDigestMirrorSet
}

// Load reads the manifests of a directory and the pull secret.
func Load(dir, pullSecretFile string) (Inputs, error) {
	var in Inputs
	files, err := api.ReadFiles(dir)
	if err != nil {
		return in, err
	}
	for _, f := range files {
		// Files that are not Kubernetes objects are for other readers.
		objects, _ := api.Decode(f.Data)
		for _, o := range objects {
			if err := in.add(o); err != nil {
				return in, fmt.Errorf("load manifests: parse %s: %w", f.Name, err)
			}
		}
	}
	if in.Controller == nil || len(in.Pools) == 0 {
		return in, fmt.Errorf("load manifests: %s has no ControllerConfig or no MachineConfigPool", dir)
	}
	var s corev1.Secret
	err = api.ReadYAML(pullSecretFile, &s)
	if in.PullSecret = s.Data[corev1.DockerConfigJsonKey]; err == nil && len(in.PullSecret) == 0 {
		err = errors.New(pullSecretFile + " has no " + corev1.DockerConfigJsonKey)
	}
	if err != nil {
		return in, fmt.Errorf("load pull secret: %w", err)
	}
	return in, nil
}

// add keeps an object of a kind that rendering uses. The directory holds pools and
// configs twice: for this program and for the API.
func (in *Inputs) add(o *unstructured.Unstructured) error {
	convert := func(into any) error { return runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, into) }
	switch o.GetAPIVersion() + " " + o.GetKind() {
	case APIVersion + " ControllerConfig":
		in.Controller = new(mcfgv1.ControllerConfig)
		return convert(in.Controller)
	case APIVersion + " MachineConfigPool":
		p := new(mcfgv1.MachineConfigPool)
		if !slices.ContainsFunc(in.Pools, func(h *mcfgv1.MachineConfigPool) bool { return h.Name == o.GetName() }) {
			in.Pools = append(in.Pools, p)
		}
		return convert(p)
	case APIVersion + " MachineConfig":
		c := new(mcfgv1.MachineConfig)
		if !slices.ContainsFunc(in.Configs, func(h *mcfgv1.MachineConfig) bool { return h.Name == o.GetName() }) {
			in.Configs = append(in.Configs, c)
		}
		return convert(c)
	case "config.openshift.io/v1 ImageDigestMirrorSet":
		in.Mirrors = append(in.Mirrors, configv1.ImageDigestMirrorSet{})
		return convert(&in.Mirrors[len(in.Mirrors)-1])
	case "operator.openshift.io/v1alpha1 ImageContentSourcePolicy":
		var p operatorv1alpha1.ImageContentSourcePolicy
		err := convert(&p)
		in.Mirrors = append(in.Mirrors, FromPolicy(p))
		return err
	}
	return nil
}

// FromPolicy turns the older form of a mirror set into the newer one.
func FromPolicy(p operatorv1alpha1.ImageContentSourcePolicy) configv1.ImageDigestMirrorSet {
	var s configv1.ImageDigestMirrorSet
	for _, r := range p.Spec.RepositoryDigestMirrors {
		m := configv1.ImageDigestMirrors{Source: r.Source}
		for _, e := range r.Mirrors {
			m.Mirrors = append(m.Mirrors, configv1.ImageMirror(e))
		}
		s.Spec.ImageDigestMirrors = append(s.Spec.ImageDigestMirrors, m)
	}
	return s
}

// Render makes all configs, and sets the pools' configuration.
func (in Inputs) Render() ([]*mcfgv1.MachineConfigPool, []*mcfgv1.MachineConfig, error) {
	all, err := in.generated()
	if err != nil {
		return nil, nil, err
	}
	for _, c := range in.Configs {
		if !slices.ContainsFunc(all, func(own *mcfgv1.MachineConfig) bool { return own.Name == c.Name }) {
			all = append(all, c)
		}
	}
	pools := make([]*mcfgv1.MachineConfigPool, 0, len(in.Pools))
	for _, p := range in.Pools {
		p = p.DeepCopy()
		sources, err := choose(p, all)
		if err != nil {
			return nil, nil, err
		}
		rendered, err := Merge(p.Name, sources)
		if err != nil {
			return nil, nil, err
		}
		ref := mcfgv1.MachineConfigPoolStatusConfiguration{ObjectReference: reference(rendered.Name)}
		for _, s := range sources {
			ref.Source = append(ref.Source, reference(s.Name))
		}
		p.Spec.Configuration, p.Status.Configuration = ref, ref
		all = append(all, rendered)
		pools = append(pools, p)
	}
	return pools, all, nil
}

func reference(name string) corev1.ObjectReference {
	return corev1.ObjectReference{APIVersion: APIVersion, Kind: "MachineConfig", Name: name}
}

// generated are the configs that the controller itself makes.
func (in Inputs) generated() ([]*mcfgv1.MachineConfig, error) {
	var own []*mcfgv1.MachineConfig
	for _, role := range Roles(in.Controller) {
		t, err := templates(in.Controller, in.PullSecret, role)
		if err != nil {
			return nil, err
		}
		own = append(own, t...)
		r, err := registries(role, in.Mirrors)
		if err != nil {
			return nil, err
		}
		if r != nil {
			own = append(own, r)
		}
	}
	return own, nil
}
