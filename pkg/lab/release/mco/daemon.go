package mco

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

// startDaemon is a daemon that only annotates its node with the booted config.
func startDaemon(ctx context.Context, args []string) error {
	f := contract.Flags("machine-config-daemon start")
	node := f.String("node-name", "", "name of the node")
	file := f.String("annotations", annotationsFile, "what the machine config server told the machine")
	kubeconfig := f.String("kubeconfig", "", "credentials; empty means the pod's")
	f.String("payload-version", "", "version of the release")
	if err := contract.Parse(f, args, "node-name"); err != nil {
		return err
	}
	c, err := api.Connect("machine-config-daemon", *kubeconfig)
	if err != nil {
		return err
	}
	look := func(ctx context.Context) (bool, string) {
		if err := annotate(ctx, c, *node, *file); err != nil {
			return false, err.Error()
		}
		return true, ""
	}
	err = program.Wait(ctx, clock.Real(), program.Logger(), "node to be annotated", 2*time.Second, look)
	if err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// annotate puts the file's annotations on the node.
func annotate(ctx context.Context, c *api.Client, node, file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read annotations: %w", err)
	}
	var annotations map[string]string
	if err := json.Unmarshal(raw, &annotations); err != nil {
		return fmt.Errorf("read annotations: parse %s: %w", file, err)
	}
	return c.Patch(ctx, kube.Nodes.Ref("", node), "", map[string]any{
		"metadata": map[string]any{"annotations": annotations},
	})
}
