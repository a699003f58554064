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
	open := func() (*install.Env, error) {
		if err := checkRelease(manifests, o.Release); err != nil {
			return nil, err
		}
		return r.start()
	}
	r.run(manifests, open, func(ctx context.Context, env *install.Env) error {
		return agent.ClusterManifests(ctx, env, o)
	})
	editedFlags(manifests, &o.Opening)
	releaseFlags(manifests, &o.Release)

	return group("agent", "Install on hosts that register themselves",
		group("create", "Create what an agent-based installation needs", template, manifests),
		drawing("okd-install agent graph | dot -Tsvg >assets.svg", r, assets.AgentGraph))
}
