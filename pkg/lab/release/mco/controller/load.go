package controller

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	configv1 "github.com/openshift/api/config/v1"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	operatorv1alpha1 "github.com/openshift/api/operator/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/mc"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/render"
)

// load reads every manifest of dir and keeps the kinds that rendering uses.
func load(dir, pullSecretFile string) (Inputs, error) {
	var in Inputs
	entries, err := os.ReadDir(dir)
	if err != nil {
		return in, fmt.Errorf("load manifests: %w", err)
	}
	var sets []configv1.ImageDigestMirrorSet
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		if err := in.loadFile(filepath.Join(dir, e.Name()), &sets); err != nil {
			return in, err
		}
	}
	in.Mirrors = render.Mirrors(sets)
	if in.Controller == nil {
		return in, fmt.Errorf("load manifests: %s has no ControllerConfig", dir)
	}
	if len(in.Pools) == 0 {
		return in, fmt.Errorf("load manifests: %s has no MachineConfigPool", dir)
	}
	raw, err := os.ReadFile(pullSecretFile)
	if err != nil {
		return in, fmt.Errorf("load pull secret: %w", err)
	}
	var s corev1.Secret
	if err := yaml.Unmarshal(raw, &s); err != nil {
		return in, fmt.Errorf("load pull secret: %w", err)
	}
	if in.PullSecret = s.Data[corev1.DockerConfigJsonKey]; len(in.PullSecret) == 0 {
		return in, fmt.Errorf("load pull secret: %s has no %s", pullSecretFile, corev1.DockerConfigJsonKey)
	}
	return in, nil
}

// loadFile reads the documents of one file. Files that are not Kubernetes
// objects (the directory holds everything of the installer) are passed over.
func (in *Inputs) loadFile(path string, sets *[]configv1.ImageDigestMirrorSet) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("load manifests: %w", err)
	}
	docs := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(raw)))
	for {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("load manifests: read %s: %w", path, err)
		}
		var head metav1.TypeMeta
		if yaml.Unmarshal(doc, &head) != nil {
			continue
		}
		if err := in.loadObject(doc, head, sets); err != nil {
			return fmt.Errorf("load manifests: parse %s: %w", path, err)
		}
	}
}

func (in *Inputs) loadObject(doc []byte, head metav1.TypeMeta, sets *[]configv1.ImageDigestMirrorSet) error {
	switch head.APIVersion + " " + head.Kind {
	case mc.APIVersion + " ControllerConfig":
		in.Controller = new(mcfgv1.ControllerConfig)
		return yaml.Unmarshal(doc, in.Controller)
	case mc.APIVersion + " MachineConfigPool":
		p := new(mcfgv1.MachineConfigPool)
		if err := yaml.Unmarshal(doc, p); err != nil {
			return err
		}
		// The directory holds the pools twice: for this program and, as
		// cluster manifests, for the API.
		for _, have := range in.Pools {
			if have.Name == p.Name {
				return nil
			}
		}
		in.Pools = append(in.Pools, p)
	case mc.APIVersion + " MachineConfig":
		c := new(mcfgv1.MachineConfig)
		if err := yaml.Unmarshal(doc, c); err != nil {
			return err
		}
		for _, have := range in.Configs {
			if have.Name == c.Name {
				return nil
			}
		}
		in.Configs = append(in.Configs, c)
	case "config.openshift.io/v1 ImageDigestMirrorSet":
		var s configv1.ImageDigestMirrorSet
		if err := yaml.Unmarshal(doc, &s); err != nil {
			return err
		}
		*sets = append(*sets, s)
	case "operator.openshift.io/v1alpha1 ImageContentSourcePolicy":
		var s operatorv1alpha1.ImageContentSourcePolicy
		if err := yaml.Unmarshal(doc, &s); err != nil {
			return err
		}
		*sets = append(*sets, FromPolicy(s))
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

// Point makes a pool point at its rendered config.
func Point(p *mcfgv1.MachineConfigPool, rendered *mcfgv1.MachineConfig, sources []*mcfgv1.MachineConfig) {
	ref := mcfgv1.MachineConfigPoolStatusConfiguration{ObjectReference: reference(rendered.Name)}
	for _, s := range sources {
		ref.Source = append(ref.Source, reference(s.Name))
	}
	p.Spec.Configuration = ref
	p.Status.Configuration = ref
}

func reference(name string) corev1.ObjectReference {
	return corev1.ObjectReference{APIVersion: mc.APIVersion, Kind: "MachineConfig", Name: name}
}
