package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/client"
	"github.com/okd-install/okd-install/pkg/agent/console"
	"github.com/okd-install/okd-install/pkg/agent/disk"
	"github.com/okd-install/okd-install/pkg/agent/inventory"
	"github.com/okd-install/okd-install/pkg/agent/medium"
	"github.com/okd-install/okd-install/pkg/agent/network"
	"github.com/okd-install/okd-install/pkg/agent/node"
	"github.com/okd-install/okd-install/pkg/agent/service"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/pullsecret"
	"github.com/okd-install/okd-install/pkg/secret"
)

// agentMemory is what the agent keeps to as far as it can (bytes): a live system has no other
// memory than the host's, and the bootstrap needs that.
const agentMemory = 32 << 20

// nodeAgentCommand has what runs on the hosts of an agent-based installation.
func nodeAgentCommand(r *root) *cobra.Command {
	sub := func(use, short string, do func(context.Context, *agent.Config) error) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Hidden: true, Example: "  okd-install node-agent " + use,
			RunE: func(cmd *cobra.Command, _ []string) error {
				debug.SetMemoryLimit(agentMemory)
				cfg, err := readAgentConfig()
				if err != nil {
					return err
				}
				return do(cmd.Context(), cfg)
			}}
	}
	c := group("node-agent", "Run on a host of an agent-based installation",
		r.configCommand(),
		r.wipeCommand(),
		sub("network", "Give this host its network configuration and name", r.hostNetwork),
		sub("run", "Register this host and install it", r.hostAgent),
		sub("console", "Show the state of the installation on this terminal", r.hostConsole))
	c.Hidden = true
	return c
}

// configCommand makes a live system that belongs to no cluster one of a cluster.
func (r *root) configCommand() *cobra.Command {
	early := false
	c := &cobra.Command{
		Use: "config", Short: "Take the configuration of this host from a medium", Hidden: true,
		Example: "  okd-install node-agent config",
		RunE: func(cmd *cobra.Command, _ []string) error {
			l := medium.Loader{Root: "/", Run: runProgram, Log: r.agentLog()}
			if early {
				return l.Early(cmd.Context())
			}
			return l.Wait(cmd.Context(), clock.Real())
		},
	}
	c.Flags().BoolVar(&early, "early", false, "look once, before there is a network")
	return c
}

// wipeCommand wipes the disk of this host that an installation has written.
func (r *root) wipeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "wipe", Short: "Wipe the disk of this host that an installation has written, and switch it off", Hidden: true,
		Example: "  okd-install node-agent wipe",
		RunE: func(cmd *cobra.Command, _ []string) error {
			raw, err := os.ReadFile(agent.WipeFile)
			if err != nil {
				return fmt.Errorf("this is no host whose disk is to be wiped: %w", err)
			}
			what, err := agent.DecodeWipe(raw)
			if err != nil {
				return err
			}
			return node.Wipe(cmd.Context(), node.Wiping{
				What: what, Runner: disk.System{}, Log: r.agentLog(), Inventory: node.LiveInventory,
			})
		},
	}
}

// runProgram runs a program whose output is the journal's.
func runProgram(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}

func readAgentConfig() (*agent.Config, error) {
	raw, err := os.ReadFile(agent.ConfigFile)
	if err != nil {
		return nil, fmt.Errorf("this is no host of an agent-based installation: %w", err)
	}
	return agent.Decode(raw)
}

func (r *root) agentLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(r.streams.err, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.Attr{} // the journal has it
			}
			return a
		},
	}))
}

func (r *root) hostNetwork(ctx context.Context, cfg *agent.Config) error {
	log := r.agentLog()
	inv, err := inventory.Read(ctx, "/")
	if err != nil {
		return err
	}
	cards := network.Cards(inv.NICs)
	found, err := network.Apply("/", agent.NetworkDir, cards)
	if err != nil {
		return err
	}
	for _, w := range found.Warnings {
		log.Warn(w)
	}
	log.Info("network", "profiles", strings.Join(found.Files, " "), "of", found.Host)
	var macs []string
	for mac := range cards {
		macs = append(macs, mac)
	}
	host, err := network.HostOf(cfg.Hosts, macs)
	if err != nil || host == nil || host.Hostname == "" {
		return err
	}
	return network.SetHostname("/", host.Hostname)
}

func (r *root) hostAgent(ctx context.Context, cfg *agent.Config) error {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return err
	}
	answers, err := client.New(client.OfHost(cfg))
	if err != nil {
		return err
	}
	secrets, err := registryLogins()
	if err != nil { // whoever pulls an image says more
		r.agentLog().Warn("read the pull secret", "error", err)
	}
	clk := clock.Real()
	return node.Run(ctx, node.Options{
		Config: cfg, Dir: agent.Dir, StateDir: agent.StateDir, Root: "/", Boot: strings.TrimSpace(string(boot)),
		Interval: agent.Interval, Clock: clk, Log: r.agentLog(),
		Hardware: node.NewSystem(ctx, cfg, agent.StateDir, clk), Service: answers, Secrets: secrets,
		Nodes: node.Nodes, Mark: node.Mark,
		Standing: func(ctx context.Context, kubeconfig []byte) (*service.Standing, error) {
			return node.Standing(ctx, cfg, kubeconfig)
		},
		Listen: func(ctx context.Context) (net.Listener, error) {
			return new(net.ListenConfig).Listen(ctx, "tcp", ":"+strconv.Itoa(agent.Port))
		},
	})
}

// registryLogins are the secrets of the pull secret, which must not be in logs.
func registryLogins() ([]secret.String, error) {
	raw, err := os.ReadFile("/root/.docker/config.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	logins, err := pullsecret.Parse(string(raw))
	if err != nil {
		return nil, err
	}
	var out []secret.String
	for _, l := range logins {
		out = append(out, secret.New(l.Auth))
		if _, password, ok := pullsecret.Decode(l.Auth); ok {
			out = append(out, secret.New(password))
		}
	}
	return out, nil
}

func (r *root) hostConsole(ctx context.Context, cfg *agent.Config) error {
	service, err := client.New(client.OfHost(cfg))
	if err != nil {
		return err
	}
	file, isFile := r.streams.out.(*os.File)
	return console.Run(ctx, console.Options{
		Out: r.streams.out, Terminal: isFile && term.IsTerminal(int(file.Fd())), StateDir: agent.StateDir, Config: cfg,
		Status: service.Status, Clock: clock.Real(), Every: 2 * time.Second,
	})
}
