package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/create"
	"github.com/okd-install/okd-install/pkg/install/destroy"
	"github.com/okd-install/okd-install/pkg/install/diagnose"
	"github.com/okd-install/okd-install/pkg/install/waitfor"
	"github.com/okd-install/okd-install/pkg/phases"
)

func createCommand(r *root) *cobra.Command {
	c := &cobra.Command{Use: "create", Short: "Create part of an OKD cluster, or all of it", Args: noArguments,
		RunE: help}
	target := func(
		t *cobra.Command, do func(context.Context, *install.Env, create.Options) error,
	) *create.Options {
		o := &create.Options{}
		t.Args = noArguments
		t.RunE = func(cmd *cobra.Command, _ []string) error {
			if err := checkSkip(cmd, o.Skip); err != nil {
				return err
			}
			if err := checkRelease(cmd, o.Release); err != nil {
				return err
			}
			env, err := r.start()
			if err != nil {
				return err
			}
			return do(cmd.Context(), env, *o)
		}
		editedFlags(t, &o.Opening)
		releaseFlags(t, &o.Release)
		c.AddCommand(t)
		return o
	}
	target(&cobra.Command{Use: "install-config", Short: "Check install-config.yaml, or write it from answers",
		Long: "Reads install-config.yaml and says everything that is wrong with it. If there is none,\n" +
			"asks for what it has to say, on a terminal only, and writes it. Nothing else is made.",
		Example: "  cp install-config.example.yaml mycluster/install-config.yaml\n" +
			"  okd-install create install-config --dir mycluster",
	}, create.InstallConfig)
	target(&cobra.Command{Use: "manifests", Short: "Write the Kubernetes manifests",
		Long: "Writes manifests/ and openshift/. Files that you edit, add or remove there are\n" +
			"honoured by every later command.",
		Example: "  okd-install create manifests --dir mycluster\n  cp my-machineconfig.yaml mycluster/openshift/\n" +
			"  okd-install create cluster --dir mycluster",
	}, create.Manifests)
	target(&cobra.Command{Use: "ignition-configs", Short: "Write the Ignition configs",
		Long:    "Writes bootstrap.ign, master.ign, worker.ign, auth/ and metadata.json.",
		Example: "  okd-install create ignition-configs --dir mycluster",
	}, create.IgnitionConfigs)

	infrastructure := &cobra.Command{Use: "infrastructure-plan", Short: "Write the plan of the infrastructure",
		Long: "Writes infrastructure-plan.json: what create cluster would make or, where the\n" +
			"machines are yours, the machines, DNS records and load balancer ports that there\n" +
			"have to be. Changes nothing on the platform. `plan` shows the same for people.",
		Example: "  okd-install create infrastructure-plan --dir mycluster",
	}
	handedOverFlag(infrastructure, &target(infrastructure, create.InfrastructurePlan).HandedOver)
	policy := &cobra.Command{Use: "permissions-policy", Short: "Write the permissions that the installer needs in " +
		"a cloud", Hidden: true,
		Example: "  okd-install create permissions-policy --dir mycluster"}
	target(policy, create.PermissionsPolicy)
	target(&cobra.Command{Use: "single-node-ignition-config", Short: "Write the Ignition config of a node that " +
		"installs itself",
		Long: "Writes bootstrap-in-place-for-live-iso.ign, worker.ign, auth/ and metadata.json. A CoreOS\n" +
			"live system that is started with the first of them becomes a cluster of one node on the\n" +
			"disk that bootstrapInPlace.installationDisk names.",
		Example: "  okd-install create single-node-ignition-config --dir mycluster\n" +
			"  coreos-installer iso ignition embed -i mycluster/bootstrap-in-place-for-live-iso.ign coreos.iso",
	}, create.SingleNodeIgnition)

	cluster := &cobra.Command{Use: "cluster", Short: "Create the cluster, or go on with it",
		Long: "Creates the machines, waits until they are a cluster, and says how to use it.\n" +
			"After a failure or an interruption the same command goes on where it stopped.",
		Example: "  okd-install create cluster --dir mycluster\n" +
			"  okd-install create cluster --dir mycluster --log-format json 2>events.jsonl",
	}
	o := target(cluster, create.Cluster)
	timeoutFlag(cluster, &o.Timeout)
	handedOverFlag(cluster, &o.HandedOver)
	cluster.Flags().StringSliceVar(&o.Skip, "skip", nil, "phases to leave out ("+strings.Join(phases.Names(), ", ")+")")
	cluster.Flags().BoolVar(&o.SkipPasswordPrint, "skip-password-print", false, "do not print the kubeadmin password")
	return c
}

// checkSkip refuses names that no phase has, before anything is done.
func checkSkip(c *cobra.Command, skip []string) error {
	for _, name := range skip {
		if names := phases.Names(); !slices.Contains(names, name) {
			return misused(c, fmt.Errorf("invalid --skip %q: choose from %s", name, strings.Join(names, ", ")))
		}
	}
	return nil
}

// handedOverFlag is the user's word where nothing proves whether there is a
// cluster that could be harmed.
func handedOverFlag(t *cobra.Command, told *handoff.Answer) {
	t.Flags().Var((*answer)(told), "handed-over",
		"where nothing proves it: whether the masters have taken over from the bootstrap host (yes, no)")
}

// answer is a flag that says yes, no, or nothing.
type answer handoff.Answer

// Set implements pflag.Value.
func (a *answer) Set(text string) error {
	switch text {
	case "yes":
		*a = answer(handoff.Yes)
	case "no":
		*a = answer(handoff.No)
	default:
		return errors.New("say yes or no")
	}
	return nil
}

// String implements pflag.Value.
func (a *answer) String() string {
	return map[handoff.Answer]string{handoff.Yes: "yes", handoff.No: "no"}[handoff.Answer(*a)]
}

// Type implements pflag.Value.
func (a *answer) Type() string { return "string" }

// timeoutFlag is that of commands that go through phases.
func timeoutFlag(t *cobra.Command, limit *time.Duration) {
	t.Flags().DurationVar(limit, "timeout", 0,
		"how long a phase may go on without any progress, as in 90s or 1h (default: each phase's own)")
}

func waitForCommand(r *root) *cobra.Command {
	c := &cobra.Command{Use: "wait-for", Short: "Wait for a step of an installation", Args: noArguments, RunE: help}
	for _, w := range []struct {
		use, short, long string
		do               func(context.Context, *install.Env, waitfor.Options) error
		approves         bool
	}{
		{"bootstrap-complete", "Wait until the bootstrap host can be removed",
			"Waits until the API answers, the masters have taken over and etcd has left the\nbootstrap host.",
			waitfor.Bootstrap, false},
		{"install-complete", "Wait until the cluster has installed itself",
			"Waits until the cluster is complete and quiet, and says how to use it. Where the\n" +
				"machines are yours, it names the certificate requests of nodes that wait for your\n" +
				"approval, or approves them with --approve-csrs.", waitfor.Install, true},
	} {
		var o waitfor.Options
		t := &cobra.Command{Use: w.use, Short: w.short, Long: w.long, Args: noArguments, Example: "  okd-install " +
			"wait-for " + w.use + " --dir mycluster"}
		timeoutFlag(t, &o.Timeout)
		if w.approves {
			t.Flags().BoolVar(&o.ApproveCSRs, "approve-csrs", false, "let nodes of any name join from the machine "+
				"networks, where the machines are yours (default: say which requests wait)")
		}
		t.RunE = func(cmd *cobra.Command, _ []string) error {
			env, err := r.resume()
			if err != nil {
				return err
			}
			return w.do(cmd.Context(), env, o)
		}
		c.AddCommand(t)
	}
	return c
}

func destroyCommand(r *root) *cobra.Command {
	c := &cobra.Command{Use: "destroy", Short: "Destroy a cluster, or its bootstrap host", Args: noArguments,
		RunE: help}
	var o destroy.Options
	cluster := &cobra.Command{Use: "cluster", Short: "Destroy everything that belongs to the cluster",
		Args: noArguments,
		Long: "Removes everything that carries the cluster's tags from its platform, and then the\n" +
			"files that describe the cluster. What you wrote yourself stays, and so does\n" +
			"what is not proved to be the cluster's: on oVirt, disks that somebody else put into\n" +
			"its machines are detached and named. Exits 0 only if nothing of it is left; run it again " +
			"otherwise. Where the machines are yours, it says what\nis left to you, and removes the files.",
		Example: `  okd-install destroy cluster --dir mycluster
  okd-install destroy cluster --infra-id mycluster-x7k2p    # the directory is lost`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			env, err := r.resume()
			if err != nil {
				return err
			}
			return destroy.Cluster(cmd.Context(), env, o)
		}}
	cluster.Flags().StringVar(&o.InfraID, "infra-id", "", "destroy the cluster of this infrastructure id (default: "+
		"from metadata.json or the state)")
	cluster.Flags().BoolVar(&o.DeleteForeignDisks, "delete-foreign-disks", false, "on oVirt, also delete disks in "+
		"the cluster's machines that the installer did not make, such as volumes of a storage driver (default: "+
		"detach and name them)")
	bootstrap := &cobra.Command{Use: "bootstrap", Short: "Destroy the bootstrap host", Args: noArguments,
		Long: "Removes the bootstrap host, once it is proved that the masters have taken over, or that\n" +
			"it has never run. Refuses while the cluster's etcd still has a member there.",
		Example: "  okd-install destroy bootstrap --dir mycluster",
		RunE: func(cmd *cobra.Command, _ []string) error {
			env, err := r.resume()
			if err != nil {
				return err
			}
			return destroy.Bootstrap(cmd.Context(), env, o)
		}}
	handedOverFlag(bootstrap, &o.HandedOver)
	c.AddCommand(cluster, bootstrap)
	return c
}

func gatherCommand(r *root) *cobra.Command {
	c := &cobra.Command{Use: "gather", Short: "Gather what helps to find out why an installation failed",
		Args: noArguments, RunE: help}
	var o diagnose.GatherOptions
	b := &cobra.Command{Use: "bootstrap", Short: "Collect logs of the bootstrap host and the masters",
		Args: noArguments,
		Long: "Writes log-bundle-<time>.tar.gz with journals, container logs and rendered assets,\n" +
			"without secrets. Hosts are found on the platform where they are not named.",
		Example: `  okd-install gather bootstrap --dir mycluster
  okd-install gather bootstrap --bootstrap 192.168.100.20 --master 192.168.100.21 --key ~/.ssh/id_ed25519`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			env, err := r.resume()
			if err != nil {
				return err
			}
			return diagnose.GatherBootstrap(cmd.Context(), env, o)
		}}
	b.Flags().StringVar(&o.Bootstrap, "bootstrap", "", "address of the bootstrap host")
	b.Flags().StringArrayVar(&o.Masters, "master", nil, "address of a master (may be repeated)")
	b.Flags().StringArrayVar(&o.Keys, "key", nil, "file with an SSH private key (may be repeated)")
	b.Flags().BoolVar(&o.SkipAnalysis, "skipAnalysis", false, "do not analyze the bundle")
	c.AddCommand(b)
	return c
}
