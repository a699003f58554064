package controlplane

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
)

// Commands are the programs of this package.
func Commands() []program.Command {
	return []program.Command{
		operator("cluster-kube-apiserver-operator", NewAPIServer, RenderAPIServer,
			func(f *pflag.FlagSet, in *RenderInput) {
				f.StringVar(&in.EtcdCA, "manifest-etcd-serving-ca", "etcd-ca-bundle.crt",
					"etcd's CA bundle, a file of --asset-input-dir")
				f.StringVar(&in.EtcdURLs, "manifest-etcd-server-urls", "https://localhost:2379", "etcd's client URLs")
				f.StringVar(&in.NetworkFile, "cluster-config-file", "", "Network cluster")
				f.StringVar(&in.ManifestsDir, "rendered-manifest-files", "", "directory of the rendered manifests")
			}, "cluster-config-file", "operand-kubernetes-version"),
		operator("cluster-kube-controller-manager-operator", NewControllerManager, RenderControllerManager,
			func(f *pflag.FlagSet, in *RenderInput) {
				f.StringVar(&in.NetworkFile, "cluster-config-file", "", "Network cluster")
				f.StringVar(&in.PolicyConfigFile, "cpc-config-output-file", "",
					"configuration file of the cluster policy controller to write")
			}, "cluster-config-file"),
		operator("cluster-kube-scheduler-operator", NewScheduler, RenderScheduler,
			func(*pflag.FlagSet, *RenderInput) {}),
	}
}

// operator is the program of an operator. Its renderer has more flags than those
// that all have, of which some are required.
func operator(name string, build func(*api.Client, clock.Clock, staticpod.Images) *staticpod.Operator,
	run func(RenderInput) error, more func(*pflag.FlagSet, *RenderInput), required ...string) program.Command {
	render := func(_ context.Context, args []string) error {
		var in RenderInput
		f := contract.Flags(name + " render")
		f.StringVar(&in.InputDir, "asset-input-dir", "", "the installer's tls directory")
		f.StringVar(&in.OutputDir, "asset-output-dir", "", "directory to write to")
		f.StringVar(&in.ConfigFile, "config-output-file", "", "configuration file to write")
		f.StringVar(&in.Image, "manifest-image", "", "image of the component")
		more(f, &in)
		required := append(required, "asset-input-dir", "asset-output-dir", "config-output-file", "manifest-image")
		err := contract.Parse(f, args, required...)
		if err != nil {
			return err
		}
		if in.Addresses, err = clusterconfig.LocalAddresses(); err != nil {
			return err
		}
		return run(in)
	}
	return program.Verbs(name, program.Command{Name: "render", Run: render}, staticpod.Command(name, build),
		staticpod.InstallerCommand())
}
