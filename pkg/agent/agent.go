// Package agent has what the installer, the hosts of an agent-based installation and
// the host that bootstraps their cluster tell each other. It does nothing itself:
// docs/dev/agent.md describes who does what.
package agent

import "time"

// Where things are in the live system.
const (
	// Dir has what the image brings: ConfigFile, the Ignition configs, and in
	// NetworkDir the network profiles of hosts.
	Dir        = "/etc/okd-agent"
	ConfigFile = Dir + "/config.json"
	NetworkDir = Dir + "/network"
	// StateDir has what the agent remembers until the host boots from its disk.
	StateDir = "/var/lib/okd-agent"
	// SelfFile, below StateDir, has what the host knows of itself.
	SelfFile = "self.json"
	// Program is the node agent: the installer itself.
	Program = "/usr/local/bin/okd-install"
)

// The medium that makes a live system one of a cluster: the label of its volume, and the archive
// on it with files of the system.
const (
	ConfigLabel   = "agent_configimage"
	ConfigArchive = "config.gz"
)

// The Ignition configs in Dir.
const (
	BootstrapIgnition = "bootstrap.ign" // for the rendezvous host, while it bootstraps
	MasterIgnition    = "master.ign"
	ArbiterIgnition   = "arbiter.ign"
	WorkerIgnition    = "worker.ign"
)

// Port is the TCP port of the rendezvous host's service. It is the port of the assisted
// installer's, which sites may have allowed already.
const Port = 8090

// Silence is how long a host may say nothing before it is said to be missing: six reports.
const (
	Interval = 5 * time.Second
	Silence  = 6 * Interval
)

// Stage is how far a host is, in the order of the constants.
type Stage string

// The stages of a host.
const (
	Discovering   Stage = "discovering"   // inventory and checks
	Ready         Stage = "ready"         // all checks passed; waits for the others
	Bootstrapping Stage = "bootstrapping" // rendezvous host only: runs the temporary control plane
	Writing       Stage = "writing"       // writes its disk
	Written       Stage = "written"       // about to reboot
	Rebooting     Stage = "rebooting"     // said just before; nothing is heard of it any more
	Joined        Stage = "joined"        // it is a node of the cluster; the rendezvous host asks the API
	Failed        Stage = "failed"        // stopped; Report.Problem says why and what to do
)

// Action is what a host is told to do.
type Action string

// The actions.
const (
	Wait      Action = "wait"      // report again after Interval
	Bootstrap Action = "bootstrap" // rendezvous host only: run the temporary control plane
	Install   Action = "install"   // write the disk with the Ignition config of Order.Role; reboot if Order.Reboot
)
