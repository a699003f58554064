package ssp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"golang.org/x/sync/errgroup"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/hook"
)

// Paths of the webhooks, as the bundle names them, and their port.
const (
	ValidateOldPath = "/validate-ssp-kubevirt-io-v1beta2-ssp"
	ValidatePath    = "/validate-ssp-kubevirt-io-v1beta3-ssp"
	WebhookPort     = 9443
	certs           = "/tmp/k8s-webhook-server/serving-certs"
)

// Commands are the operator.
func Commands() []program.Command { return []program.Command{{Name: "ssp-operator", Run: run}} }

func run(ctx context.Context, _ []string) error {
	client, err := api.Connect("ssp-operator", "")
	if err != nil {
		return err
	}
	o := &Operator{
		Client: client, Clock: clock.Real(), Log: program.Logger(), Version: os.Getenv("OPERATOR_VERSION"),
	}
	mux := http.NewServeMux()
	for _, p := range []string{ValidateOldPath, ValidatePath} {
		mux.Handle(p, hook.Admission(o.validate))
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return program.Serve(ctx, control.Health(":9440", nil),
			hook.Server(fmt.Sprintf(":%d", WebhookPort), hook.Mounted(certs), mux))
	})
	g.Go(func() error { return o.Run(ctx) })
	return g.Wait()
}

// validate refuses a second SSP.
func (o *Operator) validate(ctx context.Context, r *admissionv1.AdmissionRequest) (hook.Answer, error) {
	if r.Operation != admissionv1.Create {
		return hook.Answer{}, nil
	}
	all, err := control.All[SSP](ctx, o.Client, ssps, "")
	if err != nil {
		return hook.Answer{}, fmt.Errorf("could not list SSPs for validation, please try again: %w", err)
	}
	if len(all) > 0 {
		return hook.Answer{}, errors.New("creation failed, an SSP CR already exists in namespace " + all[0].Namespace +
			": " + all[0].Name)
	}
	return hook.Answer{}, nil
}
