package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/agent"
)

func agentCommand(r *root) *cobra.Command {
	template := &cobra.Command{Use: "agent-config-template", Short: "Write an agent-config.yaml to begin with",
		Long: "Writes agent-config.yaml with every field as a comment. A file that exists is kept, and\n" +
			"the command fails.",
		Example: "  okd-install agent create agent-config-template --dir mycluster"}
	r.run(template, r.start, agent.ConfigTemplate)

	var o agent.Options
	manifests := &cobra.Command{Use: "cluster-manifests", Short: "Write the manifests of an agent-based installation",
		Long: "Writes cluster-manifests/ and mirror/ from install-config.yaml and agent-config.yaml.\n" +
			"Later commands use what you edit, add or remove there. Without install-config.yaml,\n" +
			"it checks the manifests that you wrote.",
		Example: "  okd-install agent create cluster-manifests --dir mycluster"}
	r.run(manifests, agentOpen(r, manifests, &o), func(ctx context.Context, env *install.Env) error {
		return agent.ClusterManifests(ctx, env, o)
	})
	editedFlags(manifests, &o.Opening)
	releaseFlags(manifests, &o.Release)

	image := imageCommand(r, agent.Image, &cobra.Command{Use: "image", Short: "Make the ISO that all hosts boot",
		Long: "Writes agent.x86_64.iso or agent.aarch64.iso, rendezvousIP and auth/. Every host boots the\n" +
			"same image; the one that has the address in rendezvousIP bootstraps the cluster. The image\n" +
			"has secrets: keep it like a private key. Hosts can register with it for three days; then\n" +
			"make it again.",
		Example: "  okd-install agent create image --dir mycluster"})
	pxe := imageCommand(r, agent.PXEFiles, &cobra.Command{Use: "pxe-files",
		Short: "Make the files that hosts boot over the network",
		Long: "Writes kernel, initial RAM disk and root file system to boot-artifacts/, and an iPXE script\n" +
			"if agent-config.yaml has bootArtifactsBaseURL. The initial RAM disk has secrets.",
		Example: "  okd-install agent create pxe-files --dir mycluster"})

	return group("agent", "Install on hosts that register themselves",
		group("create", "Create what an agent-based installation needs", template, manifests, image, pxe,
			agentConfigImage(r), agentUnconfigured(r), agentCertificates(r)),
		agentWaitFor(r), agentAddNodes(r), agentMonitorAddNodes(r),
		drawing("okd-install agent graph | dot -Tsvg >assets.svg", r, assets.AgentGraph))
}

func agentConfigImage(r *root) *cobra.Command {
	return imageCommand(r, agent.ConfigImage, &cobra.Command{Use: "config-image",
		Short: "Make the medium that brings prepared machines into the cluster",
		Long: "Writes agentconfig.noarch.iso, rendezvousIP and auth/. Machines that run an unconfigured\n" +
			"image of the same release become hosts of the cluster when they find this medium.",
		Example: "  okd-install agent create config-image --dir mycluster"})
}

func agentUnconfigured(r *root) *cobra.Command {
	var iso bool
	c := imageCommand(r, func(ctx context.Context, env *install.Env, o agent.ImageOptions) error {
		o.ISO = iso
		return agent.Unconfigured(ctx, env, o)
	}, &cobra.Command{Use: "unconfigured-ignition", Short: "Make what machines boot before their cluster is known",
		Long: "Writes unconfigured-agent.ign: the Ignition config of a live system that waits for a medium\n" +
			"of agent create config-image. It needs this program at /usr/local/bin/okd-install, which\n" +
			"the image of --iso has.",
		Example: "  okd-install agent create unconfigured-ignition --iso --dir factory"})
	c.Flags().BoolVar(&iso, "iso", false, "make an image as well, unconfigured-agent.x86_64.iso or .aarch64.iso")
	return c
}

func agentCertificates(r *root) *cobra.Command {
	var o agent.Options
	c := &cobra.Command{Use: "certificates", Short: "Give the next image certificates and tokens of its own",
		Long: "Hosts that were booted from an older image cannot register at those of the next one, and\n" +
			"nobody who has an older image can.",
		Example: "  okd-install agent create certificates --dir mycluster"}
	r.run(c, r.resume, func(ctx context.Context, env *install.Env) error { return agent.Certificates(ctx, env, o) })
	return c
}

// agentOpen opens the directory for a command that may choose a release.
func agentOpen(r *root, c *cobra.Command, o *agent.Options) func() (*install.Env, error) {
	return func() (*install.Env, error) {
		if err := checkRelease(c, o.Release); err != nil {
			return nil, err
		}
		return r.start()
	}
}

// imageCommand is a command that makes something that hosts boot.
func imageCommand(
	r *root, make func(context.Context, *install.Env, agent.ImageOptions) error, c *cobra.Command,
) *cobra.Command {
	var o agent.ImageOptions
	r.run(c, agentOpen(r, c, &o.Options), func(ctx context.Context, env *install.Env) error {
		return make(ctx, env, o)
	})
	editedFlags(c, &o.Opening)
	releaseFlags(c, &o.Release)
	c.Flags().StringVar(&o.Program, "agent-binary", "", "file of the okd-install that runs on the hosts, if this one "+
		"is for another system or processor")
	return c
}

func agentWaitFor(r *root) *cobra.Command {
	wait := func(do func(context.Context, *install.Env, agent.WaitOptions) error, c *cobra.Command) *cobra.Command {
		var o agent.WaitOptions
		r.run(c, r.resume, func(ctx context.Context, env *install.Env) error { return do(ctx, env, o) })
		timeoutFlag(c, &o.Timeout)
		return c
	}
	return group("wait-for", "Wait for a step of an agent-based installation",
		wait(agent.WaitForBootstrap, &cobra.Command{Use: "bootstrap-complete",
			Short: "Wait until the control plane has taken over from the rendezvous host",
			Long: "Says which hosts register, what their checks find and what to do about it, and what they\n" +
				"are doing, until the control plane has taken over.",
			Example: "  okd-install agent wait-for bootstrap-complete --dir mycluster"}),
		wait(agent.WaitForInstall, &cobra.Command{Use: "install-complete",
			Short: "Wait until the cluster has installed itself",
			Long: "Waits for the bootstrap as well, approves the certificates of the hosts, and says how to\n" +
				"use the cluster. It can be started at any time.",
			Example: "  okd-install agent wait-for install-complete --dir mycluster"}))
}
