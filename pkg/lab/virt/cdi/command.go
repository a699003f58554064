package cdi

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
)

// Commands are the operator, its controller, and what runs in the pods that carry data.
func Commands() []program.Command {
	return []program.Command{
		{Name: "cdi-operator", Run: runOperator}, {Name: controllerName, Run: runController},
		{Name: "cdi-importer", Run: runImporter}, {Name: "cdi-cloner", Run: runCloner},
		{Name: "cdi-uploadserver", Run: runUpload},
	}
}

func runOperator(ctx context.Context, _ []string) error {
	client, err := api.Connect("cdi-operator", "")
	if err != nil {
		return err
	}
	o := &Operator{
		Client: client, Clock: clock.Real(), Log: program.Logger(), Version: os.Getenv("OPERATOR_VERSION"),
		Namespace: os.Getenv("POD_NAMESPACE"), Image: os.Getenv("CONTROLLER_IMAGE"), Importer: os.Getenv(imageVariable),
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return program.Serve(ctx, control.Health(":8444", nil)) })
	g.Go(func() error { return o.Run(ctx) })
	return g.Wait()
}

func runController(ctx context.Context, _ []string) error {
	client, err := api.Connect(controllerName, "")
	if err != nil {
		return err
	}
	c := &Controller{
		Client: client, Clock: clock.Real(), Log: program.Logger(), Image: os.Getenv(imageVariable), Digest: digest,
	}
	return c.Run(ctx)
}

func serveFiles(ctx context.Context, mux *http.ServeMux) error {
	return program.Serve(ctx, &http.Server{Addr: fmt.Sprintf(":%d", filesPort), Handler: mux})
}
