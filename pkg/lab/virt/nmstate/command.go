package nmstate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/virt/nmstate/link"
)

// Environment of the operator, as the real one's.
const (
	imageVariable     = "RELATED_IMAGE_HANDLER_IMAGE"
	namespaceVariable = "HANDLER_NAMESPACE"
)

// Commands are the operator and the handler.
func Commands() []program.Command {
	return []program.Command{{Name: "nmstate-operator", Run: runOperator}, {Name: "nmstate-handler", Run: runHandler}}
}

func runOperator(ctx context.Context, _ []string) error {
	client, err := api.Connect("nmstate-operator", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	o := Operator{
		Client: client, Clock: clock.Real(), Log: program.Logger(), Namespace: os.Getenv(namespaceVariable),
		Image: os.Getenv(imageVariable),
	}
	if o.Namespace == "" || o.Image == "" {
		return fmt.Errorf("environment variables %s and %s are not set", namespaceVariable, imageVariable)
	}
	watcher, err := client.Watcher()
	if err != nil {
		return err
	}
	return o.Run(ctx, watcher)
}

func runHandler(ctx context.Context, _ []string) error {
	client, err := api.Connect("nmstate-handler", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	h := Handler{
		Client: client, Clock: clock.Real(), Log: program.Logger(), Node: os.Getenv("NODE_NAME"),
		Namespace: os.Getenv("POD_NAMESPACE"), Network: kernel{},
	}
	if h.Node == "" || h.Namespace == "" {
		return errors.New("environment variables NODE_NAME and POD_NAMESPACE are not set")
	}
	h.Reachable = func(ctx context.Context) error { return reachable(ctx, h.Clock, client, h.Node) }
	watcher, err := client.Watcher()
	if err != nil {
		return err
	}
	return h.Run(ctx, watcher)
}

// kernel is the network namespace of the process.
type kernel struct{}

func (kernel) Apply(s link.State) (func() error, error) {
	c, err := link.Apply(s)
	if err != nil {
		return nil, err
	}
	return c.Undo, nil
}

func (kernel) Current() ([]link.Shown, error) { return link.Current() }

// patience is how long a change may keep the node from the API server: a port that is new
// on a bridge with STP forwards after 30 s.
const patience = 40 * time.Second

// reachable asks the API server for the node until it answers.
func reachable(ctx context.Context, clk clock.Clock, client *api.Client, node string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		once, stop := context.WithTimeout(ctx, 5*time.Second)
		err := client.Get(once, kube.Nodes.Ref("", node), new(any))
		stop()
		if err == nil {
			return nil
		}
		if clk.Sleep(ctx, time.Second) != nil {
			return err
		}
	}
}
