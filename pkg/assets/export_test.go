package assets

import (
	"context"

	"github.com/okd-install/okd-install/pkg/asset"
)

// The tests are in a package of their own, because the platforms that they
// generate for import this one. This is what they look at from inside.
var (
	Admin          = admin
	BoundManifests = boundManifests
	BoundOpenShift = boundOpenShift
	ConfigServer   = configServer
	LocalhostIPs   = localhostIPs
	NewInfraID     = newInfraID
	NewInput       = newInput
	Pairs          = pairs
)

// Run evaluates assets.
func (i *Installer) Run(ctx context.Context, write []asset.Ref, need ...asset.Ref) (*asset.Result, error) {
	return i.run(ctx, write, need...)
}

// Store is where the assets are.
func (i *Installer) Store() *asset.Store { return i.store }
