// Package phases is the table of the phases of an installation: all that is known of them without a run. create
// cluster, wait-for, analyze, the help, the documentation and the exit codes take what they need from here.
package phases

import (
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/phase"
)

// Commands that hints and the column Undo name.
const (
	gatherBootstrap = "gather bootstrap"
	waitForInstall  = "wait-for install-complete"
	destroyCluster  = "destroy cluster"

	virtualizationRemove = "virtualization remove"
)

const again = "run the same command again: it goes on where it stopped"

var (
	resume      = phase.Hint{Text: again}
	afterBundle = phase.Hint{Text: "read the log bundle named above, or look with `%s`; then " + again,
		Commands: []string{gatherBootstrap}}
	virtualizationAgain = phase.Hint{Text: "the cluster is complete without it; see `%s`, and go on with `%s`",
		Commands: []string{"virtualization status", "virtualization deploy"}}
	lookAndAwait = phase.Hint{Text: "look at `oc get clusteroperators,nodes`; `%s` goes on waiting",
		Commands: []string{waitForInstall}}
)

// Waiting is the hint of wait-for commands, which gather no bundle, for the phases of the bootstrap.
var Waiting = phase.Hint{
	Text:     "collect logs with `%s`, or see `%s`; then run the same command again: it goes on waiting",
	Commands: []string{gatherBootstrap, "analyze"},
}

// The phases. Budgets are the reference's timeouts (API 20 min, bootstrap 45, install 40), from the last progress.
var (
	Preflight = phase.Phase{
		Name: "preflight", Help: "check the platform, the release and the addresses before anything is created",
		Budget: 10 * time.Minute, ExitCode: exit.Other,
		Next: phase.Hint{Text: "correct what is named above and run the same command again; nothing was created"},
	}
	Images = phase.Phase{
		Name: "images", Help: "bring the operating system image to the platform",
		Budget:   30 * time.Minute, // one image over a slow line
		ExitCode: exit.Infrastructure, Next: resume, Undo: destroyCluster,
	}
	Infrastructure = phase.Phase{
		Name: "infrastructure", Help: "create the machines",
		Budget: 10 * time.Minute, ExitCode: exit.Infrastructure, Next: resume, Undo: destroyCluster,
	}
	BootstrapUp = phase.Phase{
		Name: "bootstrap-up", Help: "start the bootstrap host",
		Budget: 10 * time.Minute, ExitCode: exit.Infrastructure, Next: resume, Undo: destroyCluster,
	}
	APIAnswers = phase.Phase{
		Name: "api-answers", Help: "wait for the Kubernetes API",
		Budget: 20 * time.Minute, ExitCode: exit.Bootstrap, OnFailure: phase.Bundle, Next: afterBundle,
	}
	BootstrapComplete = phase.Phase{
		Name: "bootstrap-complete", Help: "wait for the masters to take over",
		Budget: 45 * time.Minute, ExitCode: exit.Bootstrap, OnFailure: phase.Bundle, Next: afterBundle,
	}
	BootstrapDestroyed = phase.Phase{
		Name: "bootstrap-destroyed", Help: "remove the bootstrap host",
		Budget: 10 * time.Minute, ExitCode: exit.Infrastructure, Next: resume,
	}
	NodesJoined = phase.Phase{
		Name: "nodes-joined", Help: "wait for every node to join",
		Budget: 30 * time.Minute, ExitCode: exit.Install, OnFailure: phase.Diagnose, Next: lookAndAwait,
	}
	ClusterComplete = phase.Phase{
		Name: "cluster-complete", Help: "wait for the cluster to install itself",
		Budget: 40 * time.Minute, ExitCode: exit.Install, OnFailure: phase.Diagnose, Next: lookAndAwait,
	}
	Virtualization = phase.Phase{
		Name: "virtualization", Help: "deploy what runs virtual machines",
		Budget: 30 * time.Minute, // upstream's limit for HyperConverged
		Limit:  3 * time.Hour,    // images of operating systems may come over a slow line
		// The cluster itself is complete: the error says what is not.
		ExitCode: exit.Install, Next: virtualizationAgain, Undo: virtualizationRemove,
	}
)

// All lists the phases in the order in which create cluster goes through them.
func All() []phase.Phase {
	return []phase.Phase{
		Preflight, Images, Infrastructure, BootstrapUp, APIAnswers, BootstrapComplete, BootstrapDestroyed,
		NodesJoined, ClusterComplete, Virtualization,
	}
}

// Names lists their names.
func Names() []string {
	var names []string
	for _, p := range All() {
		names = append(names, p.Name)
	}
	return names
}

// Find returns the phase of that name; false for one of another version, as its journal may name.
func Find(name string) (phase.Phase, bool) {
	for _, p := range All() {
		if p.Name == name {
			return p, true
		}
	}
	return phase.Phase{}, false
}

// AgentHosts is the phase in which hosts register themselves: the first of agent wait-for, and in create cluster after
// infrastructure, on platforms whose machines install themselves.
var AgentHosts = phase.Phase{
	Name: "hosts-registered", Help: "wait for all hosts to register and to pass their checks",
	Budget: 60 * time.Minute, ExitCode: exit.Bootstrap,
	Next: phase.Hint{Text: "look at the console of the hosts; the same command goes on waiting"},
}
