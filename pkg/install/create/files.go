package create

import (
	"context"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/releases"
)

// InstallConfig is the command create install-config: it checks install-config.yaml, or asks for one on a terminal.
func InstallConfig(ctx context.Context, e *install.Env, o Options) error {
	check := func(inst *assets.Installer, ctx context.Context) error {
		_, err := inst.Config(ctx)
		return err
	}
	return files(ctx, e, o, false, check, "Install-Config created in: "+e.Dir)
}

// Manifests is the command create manifests: it writes manifests/ and openshift/.
func Manifests(ctx context.Context, e *install.Env, o Options) error {
	done := "Manifests created in: " + e.Path("manifests") + " and " + e.Path("openshift")
	return files(ctx, e, o, false, (*assets.Installer).Manifests, done)
}

// VirtualizationManifests is the command create virtualization-manifests: it writes virtualization/.
func VirtualizationManifests(ctx context.Context, e *install.Env, o Options) error {
	done := "Virtualization-Manifests created in: " + e.Path("virtualization")
	opening, err := e.OfAnyKind(o.Opening)
	if err != nil {
		return err
	}
	o.Opening = opening
	return files(ctx, e, o, false, (*assets.Installer).VirtualizationManifests, done)
}

// IgnitionConfigs is the command create ignition-configs: it writes the .ign files, auth/ and metadata.json.
func IgnitionConfigs(ctx context.Context, e *install.Env, o Options) error {
	done := "Ignition-Configs created in: " + e.Path(".") + " and " + e.Path("auth")
	return files(ctx, e, o, true, (*assets.Installer).IgnitionConfigs, done)
}

// SingleNodeIgnition is the command create single-node-ignition-config: it writes the Ignition config of a node that
// installs itself, worker.ign, auth/ and metadata.json.
func SingleNodeIgnition(ctx context.Context, e *install.Env, o Options) error {
	done := "Single-Node-Ignition-Config created in: " + e.Path(".") + " and " + e.Path("auth")
	return files(ctx, e, o, true, (*assets.Installer).SingleNode, done)
}

// PermissionsPolicy is the command create permissions-policy: it fails, because only clouds have such policies.
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
	write func(*assets.Installer, context.Context) error, done string,
) error {
	inst, _, err := e.OpenOrAsk(ctx, o.Opening)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	if err := releases.Pin(ctx, e, o.Release, inst, needsRelease); err != nil {
		return err
	}
	if err := write(inst, ctx); err != nil {
		return e.Explain(err)
	}
	event.Info(e.Sink, done)
	return nil
}
