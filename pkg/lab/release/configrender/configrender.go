// Package configrender holds the renderers of cluster-config-api and of the
// authentication, configuration and ingress operators, as OKD's.
package configrender

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	configv1 "github.com/openshift/api/config/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/crds"
	"github.com/okd-install/okd-install/pkg/lab/release/gates"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

// Commands are the programs of this package; operators have only the verb render.
func Commands() []program.Command {
	return []program.Command{
		renderer("render", renderAPI),
		program.Verbs("authentication-operator", renderer("render", renderAuthentication)),
		program.Verbs("cluster-config-operator", renderer("render", renderConfig)),
		program.Verbs("ingress-operator", renderer("render", renderIngress)),
	}
}

func renderer(name string, run func([]string) error) program.Command {
	return program.Command{Name: name, Run: func(_ context.Context, args []string) error { return run(args) }}
}

// renderAPI is cluster-config-api's: definitions for the bootstrap, and the feature
// gates of the release for the installer's FeatureGate.
func renderAPI(args []string) error {
	f := contract.Flags("cluster-config-api render")
	out := f.String("asset-output-dir", "", "directory for manifests/")
	in := f.String("rendered-manifest-dir", "", "the installer's manifests; its FeatureGate is completed in place")
	profile := f.String("cluster-profile", "self-managed-high-availability", "cluster profile")
	version := f.String("payload-version", "", "version of the release")
	if err := contract.Parse(f, args, "asset-output-dir", "rendered-manifest-dir", "payload-version"); err != nil {
		return err
	}
	if err := completeFeatureGates(*in, *profile, *version); err != nil {
		return err
	}
	kinds := crds.Select(func(k crds.Kind) bool { return !ofAuthentication(k) && !ofIngress(k) })
	return writeKinds(filepath.Join(*out, "manifests"), "", kinds)
}

// renderAuthentication is the authentication operator's.
func renderAuthentication(args []string) error {
	f := contract.Flags("cluster-authentication-operator render")
	out := f.String("asset-output-dir", "", "directory for manifests")
	if err := contract.Parse(f, args, "asset-output-dir"); err != nil {
		return err
	}
	return writeKinds(*out, "", crds.Select(ofAuthentication))
}

// renderConfig is the configuration operator's: the cloud provider's configuration.
func renderConfig(args []string) error {
	f := contract.Flags("cluster-config-operator render")
	infra := f.String("cluster-infrastructure-input-file", "", "the Infrastructure manifest")
	cloudIn := f.String("cloud-provider-config-input-file", "", "the user's cloud provider configuration")
	cloudOut := f.String("cloud-provider-config-output-file", "", "where the result goes")
	config := f.String("config-output-file", "", "where the operator's bootstrap configuration goes")
	out := f.String("asset-output-dir", "", "directory for the results")
	err := contract.Parse(f, args, "cluster-infrastructure-input-file", "config-output-file", "asset-output-dir")
	if err != nil {
		return err
	}
	if _, err := os.Stat(*infra); err != nil {
		return fmt.Errorf("read Infrastructure manifest: %w", err)
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return fmt.Errorf("create output directory: %w", err)
	}
	files := api.Files{*config: []byte("apiVersion: operator.openshift.io/v1\nkind: GenericOperatorConfig\n")}
	if *cloudIn != "" {
		if files[*cloudOut], err = os.ReadFile(*cloudIn); err != nil {
			return fmt.Errorf("read cloud provider configuration: %w", err)
		}
	}
	return files.Write("")
}

//go:embed ingress-namespace.yaml
var ingressNamespace []byte

// renderIngress is the ingress operator's: its definitions and namespace.
func renderIngress(args []string) error {
	f := contract.Flags("cluster-ingress-operator render")
	prefix := f.String("prefix", "", "first part of the file names")
	out := f.String("output-dir", "", "directory for manifests")
	if err := contract.Parse(f, args, "output-dir"); err != nil {
		return err
	}
	if err := writeKinds(*out, *prefix, crds.Select(ofIngress)); err != nil {
		return err
	}
	return api.Files{*prefix + "00-namespace.yaml": ingressNamespace}.Write(*out)
}

func ofAuthentication(k crds.Kind) bool { return k.Kind == "Authentication" }
func ofIngress(k crds.Kind) bool        { return k.Kind == "IngressController" }

func writeKinds(dir, prefix string, kinds []crds.Kind) error {
	files := api.Files{}
	for _, k := range kinds {
		data, err := k.Manifest()
		if err != nil {
			return err
		}
		files[prefix+k.File()] = data
	}
	return files.Write(dir)
}

// completeFeatureGates fills in the gates that the feature set of a manifest enables.
func completeFeatureGates(dir, profile, version string) error {
	files, err := api.ReadFiles(dir)
	if err != nil {
		return err
	}
	found := false
	for _, f := range files {
		var gate configv1.FeatureGate
		err := yaml.Unmarshal(f.Data, &gate)
		if err != nil || gate.Kind != "FeatureGate" || gate.APIVersion != configv1.GroupVersion.String() {
			continue // lists and files of several documents are for other readers
		}
		if err := completeFeatureGate(filepath.Join(dir, f.Name), gate, profile, version); err != nil {
			return fmt.Errorf("complete feature gates in %s: %w", f.Name, err)
		}
		found = true
	}
	if !found {
		return fmt.Errorf("no FeatureGate among the manifests in %s; the installer writes 99_feature-gate.yaml", dir)
	}
	return nil
}

func completeFeatureGate(path string, gate configv1.FeatureGate, profile, version string) error {
	chosen, err := details(profile, version, gate.Spec)
	if err != nil {
		return err
	}
	gate.Status.FeatureGates = []configv1.FeatureGateDetails{chosen}
	out, err := yaml.Marshal(gate)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, out, info.Mode().Perm())
}

// details are the gates that a FeatureGate's spec chooses.
func details(profile, version string, spec configv1.FeatureGateSpec) (configv1.FeatureGateDetails, error) {
	state, err := gates.Of(version, profile, spec.FeatureSet)
	if err != nil {
		return configv1.FeatureGateDetails{}, err
	}
	if spec.CustomNoUpgrade != nil {
		for _, n := range spec.CustomNoUpgrade.Enabled {
			state[n] = true
		}
		for _, n := range spec.CustomNoUpgrade.Disabled {
			state[n] = false
		}
	}
	return gates.Details(version, state), nil
}
