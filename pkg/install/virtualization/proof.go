package virtualization

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/agent"
	"github.com/okd-install/okd-install/pkg/install/steps"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/virtualization/proof"
)

// TestOptions are those of virtualization test. What is not set comes from virtualization.yaml, if there is one.
type TestOptions struct {
	Kubeconfig   string
	Config       string     // virtualization.yaml; default: that of the directory
	Form         proof.Form // on standard output
	Report       string     // a file; its name decides about its form
	Image        string
	Memory       string
	Port         int
	ProbeImage   string
	StorageClass string
	Without      []string
	Timeout      time.Duration
}

// Test is the command virtualization test. What fails is in the report, and the error.
func Test(ctx context.Context, e *install.Env, o TestOptions) error {
	options, err := o.proof(e)
	if err != nil {
		return err
	}
	api, err := agent.DialNodes(e, o.Kubeconfig)
	if err == nil {
		options, err = o.configured(ctx, e, api, options)
	}
	if err != nil {
		return err
	}
	event.Info(e.Sink, "Testing virtualization at "+api.URL())
	r := proof.Test{API: api, Clock: e.Clock, Sink: e.Sink, Options: options}.Run(ctx)
	if err := errors.Join(r.Write(e.Stdout, o.Form), o.keep(e, r)); err != nil {
		return errors.Join(err, r.Err())
	}
	if exit.IsInterrupted(ctx) {
		return &install.Interrupted{Err: context.Cause(ctx), Lines: afterInterruption(r)}
	}
	return r.Err()
}

// afterInterruption says what became of what the test has made.
func afterInterruption(r *proof.Report) []string {
	for _, result := range r.Results {
		if result.Name == proof.CleanUp {
			lines := []string{"The test was interrupted. " + result.Reason + "."}
			if result.Next != "" {
				lines = append(lines, result.Cause, "Next: "+result.Next)
			}
			return lines
		}
	}
	return []string{"The test was interrupted."}
}

// proof are the options of the test itself.
func (o TestOptions) proof(e *install.Env) (proof.Options, error) {
	out := proof.Options{Image: o.Image, ProbeImage: o.ProbeImage, StorageClass: o.StorageClass,
		Skip: o.Without, Timeout: o.Timeout, Again: e.Typed("virtualization test")}
	if o.Kubeconfig != "" {
		out.Again += " --kubeconfig " + o.Kubeconfig
	}
	if o.Config != "" {
		out.Again += " --config " + o.Config
	}
	if o.Memory != "" {
		memory, err := resource.ParseQuantity(o.Memory)
		if err != nil || memory.Sign() <= 0 {
			return out, exit.New("give it as in 512Mi or 2Gi", "invalid --memory %q: not a quantity of memory", o.Memory)
		}
		out.Memory = memory
	}
	if o.Port < 0 || o.Port > 65535 {
		return out, exit.New("", "invalid --guest-port %d: ports are 1 to 65535", o.Port)
	}
	if o.Port != 0 {
		out.Ports = []int{o.Port}
	}
	return out, nil
}

// configured completes the options with the configuration that fits the cluster. Where there is none, the test itself
// finds out how long VMs may take.
func (o TestOptions) configured(
	ctx context.Context, e *install.Env, api *kube.Client, out proof.Options,
) (proof.Options, error) {
	k, err := clusterOf(ctx, api)
	if err != nil { // the test says itself what the cluster does not answer
		return out, nil //nolint:nilerr // see above
	}
	from := Options{Kubeconfig: o.Kubeconfig, Config: o.Config}
	config, _, err := from.config(e, k)
	if err != nil {
		return out, e.Explain(err)
	}
	given := steps.ProofOptions(config)
	out.Image = cmp.Or(out.Image, given.Image)
	out.Skip = append(out.Skip, given.Skip...)
	if from.configured(e) {
		out.Timeout = cmp.Or(out.Timeout, given.Timeout)
	}
	return out, nil
}

// keep writes the report to a file: JUnit's XML, JSON, or text, as its name says.
func (o TestOptions) keep(e *install.Env, r *proof.Report) error {
	if o.Report == "" {
		return nil
	}
	form := proof.Text
	switch strings.ToLower(filepath.Ext(o.Report)) {
	case ".xml":
		form = proof.JUnit
	case ".json":
		form = proof.JSON
	}
	var b bytes.Buffer
	err := r.Write(&b, form)
	if err == nil {
		err = atomicfile.Write(o.Report, b.Bytes(), 0o600)
	}
	if err != nil {
		return exit.New("name another file with --report", "write the report: %w", err)
	}
	event.Info(e.Sink, "The report is in "+o.Report)
	return nil
}
