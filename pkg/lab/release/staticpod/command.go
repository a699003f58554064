package staticpod

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/kube"
)

// Execute runs a command tree with arguments; an unknown flag is an error.
func Execute(ctx context.Context, root *cobra.Command, args []string) error {
	root.SilenceUsage, root.SilenceErrors = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// Logger writes text lines for the container's log.
func Logger() *slog.Logger { return slog.New(slog.NewTextHandler(os.Stderr, nil)) }

// InstallerCommand is `<operator> installer`.
func InstallerCommand() *cobra.Command {
	in := Installer{Clock: clock.Real(), Log: Logger()}
	var kubeconfig, serverFrom string
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "installer",
		Short: "Write a revision of a static pod to this node",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if in.Revision < 1 || in.Namespace == "" || in.Pod == "" || in.NodeName == "" {
				return fmt.Errorf("install revision: --revision, --namespace, --pod and --node-name are required")
			}
			ctx, cancel := context.WithTimeout(c.Context(), timeout)
			defer cancel()
			var err error
			if in.Clients, err = kube.Connect(kubeconfig, serverFrom); err != nil {
				return err
			}
			return in.Run(ctx)
		},
	}
	f := c.Flags()
	f.IntVar(&in.Revision, "revision", 0, "number of the revision")
	f.StringVar(&in.Namespace, "namespace", "", "namespace of the inputs")
	f.StringVar(&in.Pod, "pod", "", "ConfigMap with the pod's manifest")
	f.StringVar(&in.NodeName, "node-name", "", "name of this node")
	f.StringVar(&in.NodeIP, "node-ip", "", "address of this node")
	f.StringVar(&in.ResourceDir, "resource-dir", resourceDir, "directory for the files of revisions")
	f.StringVar(&in.ManifestDir, "pod-manifest-dir", manifestDir, "the kubelet's manifest directory")
	f.StringSliceVar(&in.ConfigMaps, "configmaps", nil, "ConfigMaps of the revision")
	f.StringSliceVar(&in.OptionalConfigMaps, "optional-configmaps", nil, "ConfigMaps that may be missing")
	f.StringSliceVar(&in.Secrets, "secrets", nil, "Secrets of the revision")
	f.StringSliceVar(&in.OptionalSecrets, "optional-secrets", nil, "Secrets that may be missing")
	f.StringVar(&in.CertDir, "cert-dir", "", "directory for files that belong to no revision")
	f.StringSliceVar(&in.CertConfigMaps, "cert-configmaps", nil, "ConfigMaps that belong to no revision")
	f.StringSliceVar(&in.CertSecrets, "cert-secrets", nil, "Secrets that belong to no revision")
	f.StringVar(&kubeconfig, "kubeconfig", "", "kubeconfig; default is the service account")
	f.StringVar(&serverFrom, "server-from", kube.NodeKubeconfig, "kubeconfig that names the API server")
	f.DurationVar(&timeout, "timeout-duration", 2*time.Minute, "how long to try")
	return c
}

// Connection are the flags by which an operator reaches the API server.
type Connection struct{ Kubeconfig, ServerFrom string }

// Register adds the flags to a command.
func (c *Connection) Register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.Kubeconfig, "kubeconfig", "", "kubeconfig; default is the service account")
	cmd.Flags().StringVar(&c.ServerFrom, "server-from", kube.NodeKubeconfig, "kubeconfig that names the API server")
}

// Lead runs the operator while it holds the lock of its component. It returns
// an error when it loses the lock; the pod's restart is the way back.
func (o *Operator) Lead(ctx context.Context, identity string) error {
	lock := &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: o.OperatorNamespace, Name: o.Deployment + "-lock"},
		Client:     o.Clients.Kube.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
	}
	var result error
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:            lock,
		Name:            o.Name,
		LeaseDuration:   30 * time.Second,
		RenewDeadline:   20 * time.Second,
		RetryPeriod:     2 * time.Second,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) { result = o.Run(ctx) },
			OnStoppedLeading: func() { o.Log.Info("stopped leading", "component", o.Name) },
		},
	})
	if err != nil {
		return fmt.Errorf("set up leader election: %w", err)
	}
	elector.Run(ctx)
	if ctx.Err() != nil {
		return result
	}
	return fmt.Errorf("lead %s: the lock was lost", o.Name)
}
