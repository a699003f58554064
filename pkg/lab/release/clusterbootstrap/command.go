package clusterbootstrap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/coreos/butane/config"
	"github.com/coreos/butane/config/common"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

// Commands are the programs of this package.
func Commands() []program.Command {
	return []program.Command{program.Verbs("cluster-bootstrap",
		program.Command{Name: "start", Run: runStart},
		program.Command{Name: "bootstrap-in-place", Run: inPlace},
	)}
}

func runStart(ctx context.Context, args []string) error {
	// Where the static pods find the tls directory; only tests have it elsewhere.
	secrets := cmp.Or(os.Getenv("BOOTSTRAP_SECRETS_DIR"), "/etc/kubernetes/bootstrap-secrets")
	o := options{secretsDir: secrets, clock: clock.Real(), log: program.Logger()}
	f := contract.Flags("cluster-bootstrap start")
	f.StringVar(&o.assetDir, "asset-dir", "", "directory of the rendered assets")
	f.StringVar(&o.manifestDir, "pod-manifest-path", "/etc/kubernetes/manifests", "the kubelet's manifest directory")
	pods := f.StringSlice("required-pods", nil, "namespace/prefix of pods that must run before the hand-over")
	f.BoolVar(&o.tearDownEarly, "tear-down-early", true, "tear down before all manifests are applied")
	f.StringVar(&o.tearDownEvent, "tear-down-event", "", "event in kube-system to wait for before tearing down")
	f.DurationVar(&o.assetsLimit, "assets-create-timeout", assetsLimit, "how long to try to apply the manifests")
	err := contract.Parse(f, args, "asset-dir")
	if err != nil {
		return err
	}
	if o.requiredPods, err = parsePods(*pods); err != nil {
		return err
	}
	return start(ctx, o)
}

// requiredPod must run before the temporary control plane may go.
type requiredPod struct {
	name string
	any  []podPrefix
}

// podPrefix matches pods of a namespace by the beginning of their name.
type podPrefix struct{ namespace, prefix string }

// parsePods reads --required-pods: namespace/prefix, each with an optional
// description and colon in front and alternatives separated by |.
func parsePods(list []string) ([]requiredPod, error) {
	var out []requiredPod
	for _, item := range list {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		p := requiredPod{name: item}
		if name, rest, ok := strings.Cut(item, ":"); ok {
			p.name, item = name, rest
		}
		for _, alternative := range strings.Split(item, "|") {
			ns, prefix, ok := strings.Cut(alternative, "/")
			if !ok || ns == "" || prefix == "" {
				return nil, fmt.Errorf("parse required pod %q: want namespace/prefix", alternative)
			}
			p.any = append(p.any, podPrefix{ns, prefix})
		}
		out = append(out, p)
	}
	return out, nil
}

// inPlace collects this host's control plane into the node's Ignition config.
func inPlace(_ context.Context, args []string) error {
	f := contract.Flags("cluster-bootstrap bootstrap-in-place")
	assets := f.String("asset-dir", "", "directory of the rendered assets")
	input := f.String("input", "", "Butane config that says what goes where")
	output := f.String("output", "", "Ignition config to write")
	if err := contract.Parse(f, args, "asset-dir", "input", "output"); err != nil {
		return err
	}
	in, err := os.ReadFile(*input)
	if err != nil {
		return fmt.Errorf("read what to collect: %w", err)
	}
	out, report, err := config.TranslateBytes(in, common.TranslateBytesOptions{
		TranslateOptions: common.TranslateOptions{FilesDir: *assets},
	})
	if text := report.String(); text != "" && (err != nil || report.IsFatal()) {
		err = errors.Join(err, errors.New(text))
	}
	if err != nil {
		return fmt.Errorf("collect %s: %w", *input, err)
	}
	// It holds every key of the cluster.
	if err := atomicfile.Write(*output, out, 0o600); err != nil {
		return fmt.Errorf("write Ignition config: %w", err)
	}
	return nil
}
