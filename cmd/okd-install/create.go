package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/create"
	"github.com/okd-install/okd-install/pkg/install/destroy"
	"github.com/okd-install/okd-install/pkg/install/diagnose"
	"github.com/okd-install/okd-install/pkg/install/waitfor"
	"github.com/okd-install/okd-install/pkg/phases"
)

func createCommand(r *root) *cobra.Command {
	c := group("create", "Create part of an OKD cluster, or all of it")
	target := func(
		t *cobra.Command, do func(context.Context, *install.Env, create.Options) error,
	) *create.Options {
		o := &create.Options{}
		open := func() (*install.Env, error) {
			if err := errors.Join(checkSkip(t, o.Skip), checkRelease(t, o.Release)); err != nil {
				return nil, err
			}
			return r.start()
		}
		r.run(t, open, func(ctx context.Context, env *install.Env) error { return do(ctx, env, *o) })
		editedFlags(t, &o.Opening)
		releaseFlags(t, &o.Release)
		c.AddCommand(t)
		return o
	}
	target(&cobra.Command{Use: "install-config", Short: "Check install-config.yaml, or write it from answers",
		Long: "Reads install-config.yaml and reports everything that is wrong with it. If there is none,\n" +
			"asks for what it must contain, on a terminal only, and writes it. Creates nothing else.",
		Example: "  cp install-config.example.yaml mycluster/install-config.yaml\n" +
			"  okd-install create install-config --dir mycluster",
	}, create.InstallConfig)
	virtual := &cobra.Command{Use: "virtualization-config", Short: "Check virtualization.yaml, or write it from answers",
		Long: "Reads virtualization.yaml and reports everything that is wrong with it, and what does not fit\n" +
			"the cluster of install-config.yaml. If there is none, asks for what matters to the cluster, on\n" +
			"a terminal only, and writes it. Without the file a cluster gets virtualization with defaults.",
		Example: "  okd-install create virtualization-config --dir mycluster",
	}
	var overwrite bool
	target(virtual, func(ctx context.Context, e *install.Env, o create.Options) error {
		return create.VirtualizationConfig(ctx, e, create.VirtualizationOptions{Options: o, Overwrite: overwrite})
	})
	virtual.Flags().BoolVar(&overwrite, "overwrite", false, "ask although there is a virtualization.yaml, and replace it "+
		"(default: check it)")
	target(&cobra.Command{Use: "manifests", Short: "Write the Kubernetes manifests",
		Long: "Writes manifests/ and openshift/. Every later command takes over what you edit, add\n" +
			"or remove there.",
		Example: "  okd-install create manifests --dir mycluster\n  cp my-machineconfig.yaml mycluster/openshift/\n" +
			"  okd-install create cluster --dir mycluster",
	}, create.Manifests)
	target(&cobra.Command{Use: "virtualization-manifests", Short: "Write the manifests of the virtualization stack",
		Long: "Writes virtualization/: the objects that are applied to the cluster so that it can run virtual\n" +
			"machines, in the order of their names. They are made from virtualization.yaml, or from defaults\n" +
			"that fit the cluster. What you edit, add or remove there counts when they are applied.",
		Example: "  okd-install create virtualization-manifests --dir mycluster",
	}, create.VirtualizationManifests)
	target(&cobra.Command{Use: "ignition-configs", Short: "Write the Ignition configs",
		Long:    "Writes bootstrap.ign, master.ign, worker.ign, auth/ and metadata.json.",
		Example: "  okd-install create ignition-configs --dir mycluster",
	}, create.IgnitionConfigs)

	infrastructure := &cobra.Command{Use: "infrastructure-plan", Short: "Write the plan of the infrastructure",
		Long: "Writes infrastructure-plan.json: what create cluster would create or, if the machines\n" +
			"are yours, the machines, DNS records and load balancer ports that must exist. Changes\n" +
			"nothing on the platform. `plan` shows the same for people.",
		Example: "  okd-install create infrastructure-plan --dir mycluster",
	}
	handedOverFlag(infrastructure, &target(infrastructure, create.InfrastructurePlan).HandedOver)
	target(&cobra.Command{Use: "permissions-policy", Hidden: true,
		Short:   "Write the permissions that the installer needs in a cloud",
		Example: "  okd-install create permissions-policy --dir mycluster",
	}, create.PermissionsPolicy)
	target(&cobra.Command{Use: "single-node-ignition-config",
		Short: "Write the Ignition config of a node that installs itself",
		Long: "Writes bootstrap-in-place-for-live-iso.ign, worker.ign, auth/ and metadata.json. A CoreOS\n" +
			"live system that is started with the first of them becomes a cluster of one node on the\n" +
			"disk that bootstrapInPlace.installationDisk names.",
		Example: "  okd-install create single-node-ignition-config --dir mycluster\n" +
			"  coreos-installer iso ignition embed -i mycluster/bootstrap-in-place-for-live-iso.ign coreos.iso",
	}, create.SingleNodeIgnition)

	cluster := &cobra.Command{Use: "cluster", Short: "Create the cluster, or continue with it",
		Long: "Creates the machines, waits until they form a cluster, and says how to use it.\n" +
			"After a failure or an interruption the same command goes on where it stopped.",
		Example: "  okd-install create cluster --dir mycluster\n" +
			"  okd-install create cluster --dir mycluster --log-format json 2>events.jsonl",
	}
	o := target(cluster, create.Cluster)
	timeoutFlag(cluster, &o.Timeout)
	handedOverFlag(cluster, &o.HandedOver)
	cluster.Flags().Var(choice[create.Switch]{&o.Virtualization, []create.Switch{create.On, create.Off}}, "virtualization",
		"whether to deploy what runs virtual machines once the cluster is complete (on, off; default: as "+
			"virtualization.yaml says; without it on, unless the program is called openshift-install)")
	cluster.Flags().StringSliceVar(&o.Skip, "skip", nil, "phases to leave out ("+strings.Join(phases.Names(), ", ")+")")
	hostFlags(cluster.Flags(), &o.Media, &o.TakeRunning, &o.Parallel, &o.AgentBinary)
	cluster.Flags().BoolVar(&o.RequireWorkers, "require-workers", false, "fail if a worker with a BMC cannot be "+
		"installed (default: go on without it, and name it at the end)")
	cluster.Flags().BoolVar(&o.SkipPasswordPrint, "skip-password-print", false, "do not print the kubeadmin password")
	return c
}

// checkSkip refuses unknown phases before anything is done.
func checkSkip(c *cobra.Command, skip []string) error {
	for _, name := range skip {
		if names := phases.Names(); !slices.Contains(names, name) {
			return misused(c, fmt.Errorf("invalid --skip %q: choose from %s", name, strings.Join(names, ", ")))
		}
	}
	return nil
}

func waitForCommand(r *root) *cobra.Command {
	var o waitfor.Options
	bootstrap := &cobra.Command{Use: "bootstrap-complete", Short: "Wait until the bootstrap host can be removed",
		Long:    "Waits until the API answers, the masters have taken over and etcd has left the\nbootstrap host.",
		Example: "  okd-install wait-for bootstrap-complete --dir mycluster"}
	r.run(bootstrap, r.resume, func(ctx context.Context, env *install.Env) error {
		return waitfor.Bootstrap(ctx, env, o)
	})
	complete := &cobra.Command{Use: "install-complete", Short: "Wait until the cluster has installed itself",
		Long: "Waits until the cluster is complete and quiet, and says how to use it. If the machines\n" +
			"are yours, it names the certificate requests of nodes that wait for your approval, or\n" +
			"approves them with --approve-csrs.",
		Example: "  okd-install wait-for install-complete --dir mycluster"}
	r.run(complete, r.resume, func(ctx context.Context, env *install.Env) error {
		return waitfor.Install(ctx, env, o)
	})
	timeoutFlag(bootstrap, &o.Timeout)
	timeoutFlag(complete, &o.Timeout)
	complete.Flags().BoolVar(&o.ApproveCSRs, "approve-csrs", false, "let nodes of any name join from the machine "+
		"networks, if the machines are yours (default: say which requests wait)")
	return group("wait-for", "Wait for a step of an installation", bootstrap, complete)
}

func destroyCommand(r *root) *cobra.Command {
	var o destroy.Options
	cluster := &cobra.Command{Use: "cluster", Short: "Destroy everything that belongs to the cluster",
		Long: "Removes everything that carries the cluster's tags from its platform, and then the\n" +
			"files that describe the cluster. It keeps what you wrote yourself, and what is not\n" +
			"proved to be the cluster's: on oVirt, it detaches and names foreign disks in the\n" +
			"cluster's machines. Exits 0 only if nothing of the cluster is left; otherwise run it\n" +
			"again. If the machines are yours, it says what is left to you, and removes the files.",
		Example: `  okd-install destroy cluster --dir mycluster
  okd-install destroy cluster --infra-id mycluster-x7k2p    # the directory is lost`}
	r.run(cluster, r.resume, func(ctx context.Context, env *install.Env) error { return destroy.Cluster(ctx, env, o) })
	cluster.Flags().StringVar(&o.InfraID, "infra-id", "", "destroy the cluster of this infrastructure id (default: "+
		"from metadata.json or the state)")
	cluster.Flags().BoolVar(&o.DeleteForeignDisks, "delete-foreign-disks", false, "on oVirt, also delete disks in "+
		"the cluster's machines that the installer did not make, such as volumes of a storage driver (default: "+
		"detach and name them)")
	cluster.Flags().BoolVar(&o.TakeRunning, "take-running-hosts", false, "on bare metal, also switch off hosts that are "+
		"on although nothing shows that they run this cluster")
	wipeFlags(cluster.Flags(), &o)
	bootstrap := &cobra.Command{Use: "bootstrap", Short: "Destroy the bootstrap host",
		Long: "Removes the bootstrap host, once it is proved that the masters have taken over, or that\n" +
			"it has never run. Refuses while the cluster's etcd still has a member there.",
		Example: "  okd-install destroy bootstrap --dir mycluster"}
	r.run(bootstrap, r.resume, func(ctx context.Context, env *install.Env) error {
		return destroy.Bootstrap(ctx, env, o)
	})
	handedOverFlag(bootstrap, &o.HandedOver)
	return group("destroy", "Destroy a cluster, or its bootstrap host", cluster, bootstrap)
}

// wipeFlags are for wiping the disks of hosts that were started through their BMCs.
func wipeFlags(f *pflag.FlagSet, o *destroy.Options) {
	f.BoolVar(&o.WipeDisks, "wipe-disks", false, "on bare metal, start each host once more from an image that wipes the "+
		"disk which it was installed to; other disks stay as they are")
	f.StringVar(&o.MediaAddress, "media-address", "", "with --wipe-disks: address of this machine, with or without a "+
		"port, from which BMCs read the image; http:// in front of it allows to read it without encryption, and it has no "+
		"secrets (default: the one that reaches the BMC, over HTTPS)")
	f.StringVar(&o.Program, "agent-binary", "", "with --wipe-disks: file of the okd-install that runs on the hosts, if "+
		"this one is for another system or processor")
}

func gatherCommand(r *root) *cobra.Command {
	var o diagnose.GatherOptions
	c := &cobra.Command{Use: "bootstrap", Short: "Collect logs of the bootstrap host and the masters",
		Long: "Writes log-bundle-<time>.tar.gz with journals, container logs and rendered assets,\n" +
			"without secrets. Hosts that are not named are looked up on the platform.",
		Example: `  okd-install gather bootstrap --dir mycluster
  okd-install gather bootstrap --bootstrap 192.168.100.20 --master 192.168.100.21 --key ~/.ssh/id_ed25519`}
	r.run(c, r.resume, func(ctx context.Context, env *install.Env) error {
		return diagnose.GatherBootstrap(ctx, env, o)
	})
	c.Flags().StringVar(&o.Bootstrap, "bootstrap", "", "address of the bootstrap host")
	c.Flags().StringArrayVar(&o.Masters, "master", nil, "address of a master (may be repeated)")
	c.Flags().StringArrayVar(&o.Keys, "key", nil, "file with an SSH private key (may be repeated)")
	c.Flags().BoolVar(&o.SkipAnalysis, "skipAnalysis", false, "do not analyze the bundle")
	return group("gather", "Gather what helps to find out why an installation failed", c)
}
