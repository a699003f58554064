package setup

import (
	"context"

	"github.com/okd-install/okd-install/pkg/lab/cache"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/virt/kubevirt"
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
