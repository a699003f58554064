// Package stack puts the operators that let a cluster run virtual machines into the
// catalogs that the lab stands for.
package stack

import (
	"context"
	"fmt"
	"io/fs"
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/catalog"
	"github.com/okd-install/okd-install/pkg/lab/images"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/virt/bundle"
	"github.com/okd-install/okd-install/pkg/lab/virt/hco"
	"github.com/okd-install/okd-install/pkg/lab/virt/kubevirt"
	"github.com/okd-install/okd-install/pkg/lab/virt/nmstate"
)

// The lab's NMState is of one version, whatever the release.
const nmstateVersion = "0.85.1"

// Stack is what the operators are made of.
type Stack struct {
	Program  string // compiled cmd/okd-lab-virt
	OPM      string
	KubeVirt kubevirt.Result
}

// releaseOf is the HyperConverged of each release of OKD that has another one than the
// newest. Releases before these get the first.
var releaseOf = map[string]string{"4.19": "1.16", "4.20": "1.16", "4.21": "1.17"}

// hyperConverged is the version at the head of the channel of a release of OKD.
func hyperConverged(version string) (hco.Release, error) {
	of, err := contract.Of(version)
	if err != nil {
		return hco.Release{}, err
	}
	if known, ok := releaseOf[of]; ok {
		return hco.For(known)
	}
	all := hco.Releases()
	return all[len(all)-1], nil
}

// Made is what goes to the lab's registry.
type Made struct {
	Images []images.Named // of operators and bundles, and the catalogs of add-ons
	// Packages are what the default catalog of each version has besides.
	Packages map[string][]catalog.Package
}

// Build makes operators, bundles and packages for releases of OKD.
func (s Stack) Build(ctx context.Context, versions []string) (Made, error) {
	out := Made{Packages: map[string][]catalog.Package{}}
	operators, err := s.operators()
	if err != nil {
		return out, fmt.Errorf("image of operators: %w", err)
	}
	image := images.Named{Name: network.Quay + "/okd-lab/virt:latest", Image: operators}
	virt, err := image.Spec()
	if err != nil {
		return out, err
	}
	out.Images = append(out.Images, image)
	kv, err := s.KubeVirt.Operator(ctx, hco.Namespace)
	if err != nil {
		return out, err
	}
	files, err := nmstate.Bundle(nmstateVersion, virt)
	if err != nil {
		return out, fmt.Errorf("bundle of NMState: %w", err)
	}
	nodes, err := out.pack(files, nmstate.Package, nmstate.Channel, nmstateVersion)
	if err != nil {
		return out, err
	}
	addOns, err := catalog.Image([]catalog.Package{nodes}, s.OPM)
	if err != nil {
		return out, fmt.Errorf("catalog of add-ons: %w", err)
	}
	for _, v := range versions {
		r, err := hyperConverged(v)
		if err != nil {
			return out, err
		}
		p, err := out.hyperConverged(r, kv, virt)
		if err != nil {
			return out, err
		}
		out.Packages[v] = append(out.Packages[v], p)
		out.add(images.Named{Name: catalog.AddOns(v), Image: addOns})
	}
	return out, nil
}

func (m *Made) hyperConverged(r hco.Release, kv kubevirt.Operator, virt string) (catalog.Package, error) {
	files, err := bundle.Bundle(r.Version, bundle.KubeVirt{
		Version: kubevirt.Version, ServiceAccount: kv.ServiceAccount, Deployment: kv.Deployment,
		ClusterRules: kv.ClusterRules, Rules: kv.Rules, CRD: kv.CRD,
	}, bundle.Images{Virt: virt})
	if err != nil {
		return catalog.Package{}, err
	}
	return m.pack(files, bundle.Package, bundle.Channel, r.Version)
}

// pack adds the image of a bundle and returns the package that has only this one.
func (m *Made) pack(files fs.FS, name, channel, version string) (catalog.Package, error) {
	manifests, err := fs.Sub(files, "manifests")
	if err != nil {
		return catalog.Package{}, err
	}
	b := catalog.Bundle{Package: name, Channels: []string{channel}, DefaultChannel: channel, Manifests: manifests}
	img, err := b.Image()
	if err != nil {
		return catalog.Package{}, fmt.Errorf("image of a bundle: %w", err)
	}
	n := images.Named{Name: network.Quay + "/okd-lab/" + name + "-bundle:v" + version, Image: img}
	spec, err := n.Spec()
	if err != nil {
		return catalog.Package{}, err
	}
	m.add(n)
	return catalog.One(b, spec)
}

// add takes an image, once: releases share them.
func (m *Made) add(n images.Named) {
	if !slices.ContainsFunc(m.Images, func(i images.Named) bool { return i.Name == n.Name }) {
		m.Images = append(m.Images, n)
	}
}
