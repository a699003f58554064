package create

import (
	"context"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/releases"
	"github.com/okd-install/okd-install/pkg/types"
)

// Assets are what an installation is generated from and remembered in;
// *assets.Installer is one.
type Assets interface {
	releases.Assets
	Config(ctx context.Context) (*types.InstallConfig, error)
	// DrawnInfraID is the infrastructure ID that an earlier run has drawn, empty if
	// none has.
	DrawnInfraID() (string, error)
	Past() assets.Past
	// Cluster generates what a cluster is created with. Plan does, too, and writes
	// nothing but the state.
	Cluster(ctx context.Context) (assets.Cluster, error)
	Plan(ctx context.Context) (assets.Cluster, error)
	MarkStarted() error
	MarkHandedOver() error
	Close() error
}

// open takes the directory; the login is the platform's, if it was just asked for.
func open(ctx context.Context, e *install.Env, o install.Opening) (inst Assets, login []byte, err error) {
	i, login, err := e.OpenOrAsk(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	return i, login, nil
}
