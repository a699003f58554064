// Package cvo is the lab's cluster-version operator: it prints image
// references, renders its bootstrap files, and in the cluster applies the
// release's manifests and reports ClusterVersion.
package cvo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/multicall"
)

// Commands are the programs of this package.
func Commands() []multicall.Command {
	return []multicall.Command{{Name: "cluster-version-operator", Run: func(ctx context.Context, args []string) error {
		return run(ctx, "/", os.Stdout, args)
	}}}
}

// run dispatches the verbs; root is where the release image's files are.
func run(ctx context.Context, root string, out io.Writer, args []string) error {
	if len(args) == 0 {
		return errors.New("no verb; the verbs are start, render and image")
	}
	switch args[0] {
	case "image":
		return image(root, out, args[1:])
	case "render":
		return render(root, args[1:])
	case "start":
		return start(ctx, root, args[1:])
	}
	return fmt.Errorf("unknown verb %q; the verbs are start, render and image", args[0])
}

func flags(name string) *pflag.FlagSet {
	return pflag.NewFlagSet("cluster-version-operator "+name, pflag.ContinueOnError)
}

func parse(f *pflag.FlagSet, args []string, required ...string) error {
	return contract.Parse(f, f.Name(), args, required...)
}

// profile is the cluster profile whose manifests count.
func profile() string {
	if p := os.Getenv("CLUSTER_PROFILE"); p != "" {
		return p
	}
	return "self-managed-high-availability"
}
