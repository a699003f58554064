package hco

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/hook"
)

// Variables of the environment that the bundle's deployments set.
const (
	VersionVariable   = "HCO_KV_IO_VERSION"
	emulationVariable = "KVM_EMULATION"
	certsVariable     = "WEBHOOK_CERT_DIR"
	conditionVariable = "OPERATOR_CONDITION_NAME"
	defaultCerts      = "/apiserver.local.config/certificates"
	healthAddress     = ":6060"
)

// The children's versions are those of what is in the bundle, which in the lab may differ from the release's.
var versionVariables = []struct {
	name string
	of   func(*Release) *string
}{
	{"KUBEVIRT_VERSION", func(r *Release) *string { return &r.KubeVirt }},
	{"CDI_VERSION", func(r *Release) *string { return &r.CDI }},
	{"NETWORK_ADDONS_VERSION", func(r *Release) *string { return &r.NetworkAddons }},
	{"SSP_VERSION", func(r *Release) *string { return &r.SSP }},
}

// Commands are the operator and its webhooks.
func Commands() []program.Command {
	return []program.Command{
		{Name: "hyperconverged-cluster-operator", Run: runOperator},
		{Name: "hyperconverged-cluster-webhook", Run: runWebhook},
		{Name: "hyperconverged-cluster-cli-download", Run: runDownloads},
		{Name: "aaq-operator", Run: runQuota},
	}
}

func environment() (Release, bool, error) {
	r, err := For(os.Getenv(VersionVariable))
	if err != nil {
		return r, false, fmt.Errorf("%s: %w", VersionVariable, err)
	}
	for _, v := range versionVariables {
		if own := os.Getenv(v.name); own != "" {
			*v.of(&r) = own
		}
	}
	emulation, err := strconv.ParseBool(os.Getenv(emulationVariable))
	return r, err == nil && emulation, nil // anything else counts as false
}

func runOperator(ctx context.Context, _ []string) error {
	r, emulation, err := environment()
	if err != nil {
		return err
	}
	client, err := api.Connect("hyperconverged-cluster-operator", "")
	if err != nil {
		return err
	}
	o := &Operator{
		Client: client, Clock: clock.Real(), Log: program.Logger(), Release: r, Emulation: emulation,
		Condition: os.Getenv(conditionVariable),
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return program.Serve(ctx, control.Health(healthAddress, nil)) })
	g.Go(func() error { return o.Run(ctx) })
	return g.Wait()
}

func runWebhook(ctx context.Context, _ []string) error {
	r, emulation, err := environment()
	if err != nil {
		return err
	}
	client, err := api.Connect("hyperconverged-cluster-webhook", "")
	if err != nil {
		return err
	}
	dir := os.Getenv(certsVariable)
	if dir == "" {
		dir = defaultCerts
	}
	w := &Webhook{Client: client, Release: r, Emulation: emulation, Log: program.Logger()}
	return program.Serve(ctx, control.Health(healthAddress, nil),
		hook.Server(fmt.Sprintf(":%d", WebhookPort), hook.Mounted(dir), w.Handler()))
}

// runDownloads stands where OpenShift offers virtctl; the lab has none to offer there.
func runDownloads(ctx context.Context, _ []string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return program.Serve(ctx, &http.Server{Addr: ":8080", Handler: mux})
}

// runQuota stands where the operator of quotas for VMs is: nothing in the lab asks for one.
func runQuota(ctx context.Context, _ []string) error {
	return program.Serve(ctx, control.Health(":8444", nil))
}
