// Package daemon is a machine config daemon that only reports: it annotates
// its node with the config that the machine booted with. It changes nothing.
package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/server"
	"github.com/okd-install/okd-install/pkg/wait"
)

// Patcher patches API objects.
type Patcher interface {
	Patch(ctx context.Context, path, kind string, patch any) error
}

// Command runs `machine-config-daemon start`.
func Command(ctx context.Context, args []string) error {
	f := pflag.NewFlagSet("machine-config-daemon start", pflag.ContinueOnError)
	node := f.String("node-name", "", "name of the node")
	file := f.String("annotations", server.AnnotationsFile, "what the machine config server told the machine")
	kubeconfig := f.String("kubeconfig", "", "credentials; empty means the pod's")
	f.String("payload-version", "", "version of the release")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *node == "" {
		return errors.New("parse arguments: --node-name must be given")
	}
	api, err := kube.Dial(*kubeconfig)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	clk := clock.Real()
	err = wait.Until(ctx, clk, 2*time.Second, func(ctx context.Context) (bool, string, error) {
		err := Annotate(ctx, api, *node, *file)
		if err != nil {
			log.Warn("node not annotated", "error", err)
			return false, err.Error(), nil
		}
		return true, "", nil
	})
	if err != nil {
		return err
	}
	log.Info("node annotated", "node", *node)
	<-ctx.Done()
	return nil
}

// Annotate puts the file's annotations on the node.
func Annotate(ctx context.Context, api Patcher, node, file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read annotations: %w", err)
	}
	var annotations map[string]string
	if err := json.Unmarshal(raw, &annotations); err != nil {
		return fmt.Errorf("read annotations: parse %s: %w", file, err)
	}
	patch := map[string]any{"metadata": map[string]any{"annotations": annotations}}
	return api.Patch(ctx, kube.Core+"/nodes/"+url.PathEscape(node), kube.MergePatch, patch)
}
