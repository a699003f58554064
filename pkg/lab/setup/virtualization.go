package setup

import (
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/lab/cache"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/virt/kubevirt"
)

// Virtualization is what was made for virtual machines.
type Virtualization struct {
	KubeVirt kubevirt.Result `json:"kubeVirt"`
	// Layouts are OCI layouts that the lab's registry serves besides the release.
	Layouts []string `json:"layouts"`
}

func (s steps) virtualization(ctx context.Context) (*Virtualization, error) {
	v := &Virtualization{}
	err := s.step(ctx, "KubeVirt", func(ctx context.Context) (err error) {
		v.KubeVirt, err = kubevirt.Builder{
			Source: s.cfg.Source, Cache: cache.Dir{Path: s.cfg.Cache}, Mirror: s.cfg.Mirror,
			Registry: fmt.Sprintf("%s:%d", network.RegistryName, network.RegistryPort),
			Clock:    s.cfg.Clock, Out: s.cfg.Out,
		}.Build(ctx)
		v.Layouts = append(v.Layouts, v.KubeVirt.Layout)
		return err
	})
	return v, err
}
