package clusterbootstrap

import (
	"cmp"
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
)

// Main is cluster-bootstrap.
func Main(ctx context.Context, args []string) error {
	root := &cobra.Command{Use: "cluster-bootstrap", Short: "Temporary control plane on the bootstrap host"}
	root.AddCommand(contract.Limit(startCommand(), "cluster-bootstrap start"),
		contract.Limit(inPlaceCommand(), "cluster-bootstrap bootstrap-in-place"))
	return staticpod.Execute(ctx, root, args)
}

func startCommand() *cobra.Command {
	// Where the static pods find the tls directory; only tests have it elsewhere.
	secrets := cmp.Or(os.Getenv("BOOTSTRAP_SECRETS_DIR"), "/etc/kubernetes/bootstrap-secrets")
	o := Options{SecretsDir: secrets, Clock: clock.Real(), Log: staticpod.Logger()}
	var pods []string
	c := &cobra.Command{
		Use:   "start",
		Short: "Start it, apply the manifests, hand over, stop it",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if o.RequiredPods, err = ParsePods(pods); err != nil {
				return err
			}
			return Start(c.Context(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.AssetDir, "asset-dir", "", "directory of the rendered assets")
	f.StringVar(&o.ManifestDir, "pod-manifest-path", "/etc/kubernetes/manifests", "the kubelet's manifest directory")
	f.StringSliceVar(&pods, "required-pods", nil, "namespace/prefix of pods that must run before the hand-over")
	f.BoolVar(&o.TearDownEarly, "tear-down-early", true, "tear down before all manifests are applied")
	f.StringVar(&o.TearDownEvent, "tear-down-event", "", "event in kube-system to wait for before tearing down")
	f.DurationVar(&o.AssetsLimit, "assets-create-timeout", assetsLimit, "how long to try to apply the manifests")
	if err := c.MarkFlagRequired("asset-dir"); err != nil {
		panic(err) // defined above
	}
	return c
}
