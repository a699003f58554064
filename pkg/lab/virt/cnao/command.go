package cnao

import (
	"cmp"
	"context"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
)

// pluginsVariable names the nodes' directory of CNI plugins. OpenShift's nodes have them where multus puts them.
const (
	pluginsVariable = "CNI_BIN_DIR"
	defaultPlugins  = "/var/lib/cni/bin"
)

// Commands are the operator and what it runs on nodes.
func Commands() []program.Command {
	return []program.Command{
		{Name: "cluster-network-addons-operator", Run: run}, {Name: marker, Run: runMarker},
	}
}

func run(ctx context.Context, _ []string) error {
	client, err := api.Connect("cluster-network-addons-operator", "")
	if err != nil {
		return err
	}
	o := &Operator{
		Client: client, Clock: clock.Real(), Log: program.Logger(), Version: os.Getenv("OPERATOR_VERSION"),
		Namespace: os.Getenv("OPERAND_NAMESPACE"), Image: os.Getenv("LINUX_BRIDGE_MARKER_IMAGE"),
		Plugins: cmp.Or(os.Getenv(pluginsVariable), defaultPlugins),
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return program.Serve(ctx, control.Health(":8081", nil)) })
	g.Go(func() error { return o.Run(ctx) })
	return g.Wait()
}
