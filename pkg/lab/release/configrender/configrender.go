// Package configrender holds the renderers of the configuration API on the
// bootstrap host: cluster-config-api, the authentication, configuration and
// ingress operators. Flags and output names are those of OKD's renderers.
package configrender

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/crds"
	"github.com/okd-install/okd-install/pkg/lab/release/multicall"
)

// Commands are the programs of this package. Those of operators accept only
// the verb render here; what runs in the cluster is registered by others.
func Commands() []multicall.Command {
	return []multicall.Command{
		{Name: "render", Run: func(_ context.Context, args []string) error { return API(args) }},
		{Name: "authentication-operator", Run: verb("render", Authentication)},
		{Name: "cluster-config-operator", Run: verb("render", Config)},
		{Name: "ingress-operator", Run: verb("render", Ingress)},
	}
}

func verb(name string, run func([]string) error) func(context.Context, []string) error {
	return func(_ context.Context, args []string) error {
		if len(args) == 0 || args[0] != name {
			return fmt.Errorf("unknown verb %q; the verb is %s", slices.Concat(args, []string{""})[0], name)
		}
		return run(args[1:])
	}
}

// API is cluster-config-api's render: the definitions that the bootstrap
// needs, and the feature gates of the release filled into the FeatureGate
// among the installer's manifests.
func API(args []string) error {
	f := flags("render")
	out := f.String("asset-output-dir", "", "directory for manifests/")
	in := f.String("rendered-manifest-dir", "", "the installer's manifests; its FeatureGate is completed in place")
	profile := f.String("cluster-profile", "self-managed-high-availability", "cluster profile")
	version := f.String("payload-version", "", "version of the release")
	if err := contract.Parse(f, "cluster-config-api render", args, "asset-output-dir", "rendered-manifest-dir", "payload-version"); err != nil {
		return err
	}
	if err := completeFeatureGates(*in, *profile, *version); err != nil {
		return err
	}
	kinds := crds.Select(func(k crds.Kind) bool { return !ofAuthentication(k) && !ofIngress(k) })
	return writeKinds(filepath.Join(*out, "manifests"), "", kinds)
}

// Authentication is the authentication operator's render: the definition that
// depends on the authentication type in OKD.
func Authentication(args []string) error {
	f := flags("authentication-operator render")
	out := f.String("asset-output-dir", "", "directory for manifests")
	f.String("rendered-manifest-dir", "", "the installer's manifests; not needed here")
	f.String("cluster-profile", "", "cluster profile; all have the same definition here")
	f.String("payload-version", "", "version of the release; not needed here")
	if err := contract.Parse(f, "cluster-authentication-operator render", args, "asset-output-dir"); err != nil {
		return err
	}
	return writeKinds(*out, "", crds.Select(ofAuthentication))
}

// Config is the configuration operator's render: the cloud provider's
// configuration for the bootstrap, if there is one.
func Config(args []string) error {
	f := flags("cluster-config-operator render")
	infra := f.String("cluster-infrastructure-input-file", "", "the Infrastructure manifest")
	cloudIn := f.String("cloud-provider-config-input-file", "", "the user's cloud provider configuration")
	cloudOut := f.String("cloud-provider-config-output-file", "", "where the result goes")
	config := f.String("config-output-file", "", "where the operator's bootstrap configuration goes")
	f.String("asset-input-dir", "", "directory of keys; not needed here")
	out := f.String("asset-output-dir", "", "directory for the results")
	f.String("rendered-manifest-files", "", "the installer's manifests; not needed here")
	f.String("payload-version", "", "version of the release; not needed here")
	f.Bool("skip-api-rendering", false, "the definitions come from cluster-config-api; they always do here")
	if err := contract.Parse(f, "cluster-config-operator render", args, "cluster-infrastructure-input-file", "config-output-file", "asset-output-dir"); err != nil {
		return err
	}
	if _, err := os.Stat(*infra); err != nil {
		return fmt.Errorf("read Infrastructure manifest: %w", err)
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return fmt.Errorf("create output directory: %w", err)
	}
	if *cloudIn != "" {
		data, err := os.ReadFile(*cloudIn)
		if err != nil {
			return fmt.Errorf("read cloud provider configuration: %w", err)
		}
		if err := os.WriteFile(*cloudOut, data, 0o644); err != nil {
			return fmt.Errorf("write cloud provider configuration: %w", err)
		}
	}
	if err := os.WriteFile(*config, []byte("apiVersion: operator.openshift.io/v1\nkind: GenericOperatorConfig\n"), 0o644); err != nil {
		return fmt.Errorf("write operator configuration: %w", err)
	}
	return nil
}

// Ingress is the ingress operator's render: its definitions and namespace.
func Ingress(args []string) error {
	f := flags("ingress-operator render")
	prefix := f.String("prefix", "", "first part of the file names")
	out := f.String("output-dir", "", "directory for manifests")
	if err := contract.Parse(f, "cluster-ingress-operator render", args, "output-dir"); err != nil {
		return err
	}
	if err := writeKinds(*out, *prefix, crds.Select(ofIngress)); err != nil {
		return err
	}
	return write(filepath.Join(*out, *prefix+"00-namespace.yaml"), []byte(`apiVersion: v1
kind: Namespace
metadata:
  name: openshift-ingress-operator
  annotations:
    workload.openshift.io/allowed: management
  labels:
    openshift.io/cluster-monitoring: "true"
`))
}

func ofAuthentication(k crds.Kind) bool { return k.Kind == "Authentication" }
func ofIngress(k crds.Kind) bool        { return k.Kind == "IngressController" }

func writeKinds(dir, prefix string, kinds []crds.Kind) error {
	for _, k := range kinds {
		data, err := k.Manifest()
		if err != nil {
			return err
		}
		if err := write(filepath.Join(dir, prefix+k.File()), data); err != nil {
			return err
		}
	}
	return nil
}

func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("create output directory: %w", err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return nil
}

func flags(name string) *pflag.FlagSet { return pflag.NewFlagSet(name, pflag.ContinueOnError) }
