package create

import (
	"context"
	"strings"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/releases"
)

// InstallConfig is the command create install-config: it checks the install-config
// that is there. Where there is none it asks for one, which needs a terminal.
func InstallConfig(ctx context.Context, e *install.Env, o Options) error {
	check := func(ctx context.Context, inst *assets.Installer) error {
		_, err := inst.Config(ctx)
		return err
	}
	return files(ctx, e, o, false, check, "Install-Config created in: "+e.Dir)
}

// Manifests is the command create manifests: it writes manifests/ and openshift/.
func Manifests(ctx context.Context, e *install.Env, o Options) error {
	write := func(ctx context.Context, inst *assets.Installer) error { return inst.Manifests(ctx) }
	return files(ctx, e, o, false, write, created(e, "Manifests", "manifests", "openshift"))
}

// IgnitionConfigs is the command create ignition-configs: it writes the .ign files,
// auth/ and metadata.json.
func IgnitionConfigs(ctx context.Context, e *install.Env, o Options) error {
	write := func(ctx context.Context, inst *assets.Installer) error { return inst.IgnitionConfigs(ctx) }
	return files(ctx, e, o, true, write, created(e, "Ignition-Configs", ".", "auth"))
}

// SingleNodeIgnition is the command create single-node-ignition-config: it writes
// the Ignition config of a node that installs itself, worker.ign, auth/ and
// metadata.json.
func SingleNodeIgnition(ctx context.Context, e *install.Env, o Options) error {
	write := func(ctx context.Context, inst *assets.Installer) error { return inst.SingleNode(ctx) }
	return files(ctx, e, o, true, write, created(e, "Single-Node-Ignition-Config", ".", "auth"))
}

// PermissionsPolicy is the command create permissions-policy: it says that there is
// nothing to create, as only clouds know such policies.
func PermissionsPolicy(ctx context.Context, e *install.Env, o Options) error {
	inst, err := e.Open(o.Opening)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	cfg, err := inst.Config(ctx)
	if err != nil {
		return e.Explain(err)
	}
	p, err := e.Platforms.Find(cfg.Platform.Name())
	if err != nil {
		return err
	}
	return exit.New(p.Permissions, "platform %s has no permissions policy: it is for clouds", p.Name)
}

// files writes something, for which a release may be needed or not.
func files(
	ctx context.Context, e *install.Env, o Options, needsRelease bool,
	write func(context.Context, *assets.Installer) error, done string,
) error {
	inst, _, err := e.OpenOrAsk(ctx, o.Opening)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	if err := releases.Pin(ctx, e, o.Release, inst, needsRelease); err != nil {
		return err
	}
	if err := write(ctx, inst); err != nil {
		return e.Explain(err)
	}
	event.Info(e.Sink, done)
	return nil
}

func created(e *install.Env, what string, dirs ...string) string {
	paths := make([]string, len(dirs))
	for i, d := range dirs {
		paths[i] = e.Path(d)
	}
	return what + " created in: " + strings.Join(paths, " and ")
}
