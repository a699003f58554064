package setup

import (
	"context"

	"github.com/okd-install/okd-install/pkg/lab/cache"
	"github.com/okd-install/okd-install/pkg/lab/images"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/virt/kubevirt"
	"github.com/okd-install/okd-install/pkg/lab/virt/stack"
)

// kubeVirt makes KubeVirt, for clusters to pull from where upstream has it.
func (s steps) kubeVirt(ctx context.Context, r *Result) error {
	made, err := kubevirt.Builder{
		Source: s.cfg.Source, Cache: cache.Dir{Path: s.cfg.Cache}, Mirror: s.cfg.Mirror,
		Registry: network.Quay, Outside: true,
		Clock: s.cfg.Clock, Out: s.cfg.Out,
	}.Build(ctx)
	if err != nil {
		return err
	}
	r.KubeVirt, r.Content = &made, append(r.Content, made.Layout)
	return nil
}

// virtOperators makes the operators of the stack, none unless it was asked for.
func (s steps) virtOperators(ctx context.Context, r *Result, versions []string) (stack.Made, error) {
	if r.KubeVirt == nil {
		return stack.Made{}, nil
	}
	program, err := images.VirtOperators(ctx, s.cfg.Source, s.cfg.Cache)
	if err != nil {
		return stack.Made{}, err
	}
	return stack.Stack{Program: program, OPM: r.Programs.OPM, KubeVirt: *r.KubeVirt}.Build(ctx, versions)
}
