package create

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/install/steps"
	deploying "github.com/okd-install/okd-install/pkg/install/virtualization"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
	stack "github.com/okd-install/okd-install/pkg/virtualization"
)

// dropIn begins the names of a program that others call as if it were the reference, which deploys no virtualization.
const dropIn = "openshift-install"

// Switch is a flag that is on, off, or not given.
type Switch string

// The values of a switch.
const (
	On  Switch = "on"
	Off Switch = "off"
)

// virtualization decides whether virtualization is deployed, before anything is created: the flag decides, then the
// file, then the default: on where the cluster can have it. It returns the reason if it is not. What is wrong with the
// file is an error, unless the file is not needed.
func (c command) virtualization(ctx context.Context, inst Assets) (unless string, err error) {
	if c.Virtualization == Off {
		return "--virtualization off", nil
	}
	written, err := c.virtualizationFile()
	switch {
	case err != nil:
		return "", err
	case written != nil && written.Enabled != nil && !*written.Enabled && c.Virtualization != On:
		return virtualization.File + " has enabled: false", nil
	case written != nil, c.Virtualization == On:
	case strings.HasPrefix(c.Self(), dropIn):
		return "called as " + c.Self() + "; --virtualization on or " + virtualization.File + " deploys it", nil
	default:
		config, err := inst.Config(ctx)
		if err != nil {
			return "", c.Explain(err)
		}
		switch k := virtualization.ClusterOf(config, ""); {
		case k.NoOperators:
			return "the capability OperatorLifecycleManager of the cluster is not enabled", nil
		case k.NoKVM != "":
			return k.NoKVM, nil
		}
	}
	if _, err := inst.Virtualization(ctx); err != nil {
		return "", c.Explain(err)
	}
	return "", nil
}

// virtualizationFile is virtualization.yaml, nil if there is none.
func (c command) virtualizationFile() (*virtualization.Config, error) {
	raw, err := os.ReadFile(c.Path(virtualization.File))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // absence is an answer
	}
	if err != nil {
		return nil, fmt.Errorf("read the configuration of virtualization: %w", err)
	}
	config, found := virtualization.Load(c.Path(virtualization.File), raw)
	if err := found.Err(); err != nil {
		return nil, c.Explain(err)
	}
	return config, nil
}

// virtualizationStep is the phase that deploys it.
func (c command) virtualizationStep(inst Assets, cluster steps.Cluster, unless string) phase.Step {
	return phase.Step{Phase: phases.Virtualization, Unless: unless, Run: steps.Virtualization{
		Cluster: cluster, Again: c.Typed("virtualization test"),
		Stack: func(ctx context.Context, _ event.Sink) (*stack.Deployer, *virtualization.Config, error) {
			v, err := deploying.FromAssets(ctx, c.Env, cluster.API, inst) // files may have been edited since
			if err != nil {
				return nil, nil, err
			}
			return deploying.Deployer(c.Env, cluster.API, v, c.Timeout), v.Config, nil
		},
	}.Run}
}
