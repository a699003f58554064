package hpp

import (
	"context"
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

// ValidatePath is the path of the webhook, as the bundle names it, and WebhookPort its port.
const (
	ValidatePath = "/validate-hostpathprovisioner-kubevirt-io-v1beta1-hostpathprovisioner"
	WebhookPort  = 9443
	certs        = "/tmp/k8s-webhook-server/serving-certs"
)

// Commands are the operator and what it runs on nodes.
func Commands() []program.Command {
	return []program.Command{
		{Name: "hostpath-provisioner-operator", Run: runOperator}, {Name: workload, Run: runProvisioner},
	}
}

func runOperator(ctx context.Context, _ []string) error {
	client, err := api.Connect("hostpath-provisioner-operator", "")
	if err != nil {
		return err
	}
	o := &Operator{
		Client: client, Clock: clock.Real(), Log: program.Logger(), Version: os.Getenv("OPERATOR_VERSION"),
		Namespace: os.Getenv("WATCH_NAMESPACE"), Image: os.Getenv("PROVISIONER_IMAGE"),
	}
	mux := http.NewServeMux()
	mux.Handle(ValidatePath, hook.Admission(validate))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return program.Serve(ctx, control.Health(":6060", nil),
			hook.Server(fmt.Sprintf(":%d", WebhookPort), hook.Mounted(certs), mux))
	})
	g.Go(func() error { return o.Run(ctx) })
	return g.Wait()
}

// validate refuses pools that cannot be.
func validate(_ context.Context, r *admissionv1.AdmissionRequest) (hook.Answer, error) {
	if r.Operation == admissionv1.Delete {
		return hook.Answer{}, nil
	}
	h, err := read(r.Object.Raw)
	if err != nil {
		return hook.Answer{}, err
	}
	return hook.Answer{}, Check(h.Spec)
}

func runProvisioner(ctx context.Context, _ []string) error {
	client, err := api.Connect(workload, "")
	if err != nil {
		return err
	}
	pools, err := parsePools(os.Getenv(poolsVariable))
	if err != nil {
		return err
	}
	p := &Provisioner{
		Client: client, Clock: clock.Real(), Log: program.Logger(), Node: os.Getenv("NODE_NAME"), Pools: pools, Root: "/host",
	}
	return p.Run(ctx)
}
