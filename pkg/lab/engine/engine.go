// Package engine is the lab's oVirt engine: REST API version 4 (XML), single
// sign-on and imageio, with the state machines behind them. It behaves like
// oVirt 4.5 for the flows that the installer and its users' other tools need:
// real clients (the oVirt SDKs, go-ovirt-client, terraform-provider-ovirt)
// must not be able to tell the difference.
//
// It puts together the packages below it: datacenter has the objects and the
// rules, rest and the packages below that serve them, model and api are what is
// kept and what is sent.
package engine

import (
	"fmt"
	"net/http"

	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/fault"
	"github.com/okd-install/okd-install/pkg/lab/engine/imageio"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest/compute"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest/infra"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest/storage"
	"github.com/okd-install/okd-install/pkg/lab/engine/sso"
)

type (
	// Config describes a data center with one cluster.
	Config = datacenter.Config
	// User may log in to the engine.
	User = sso.User
	// Host is a hypervisor of the cluster.
	Host = datacenter.Host
	// StorageDomain is a place for disks.
	StorageDomain = datacenter.StorageDomain
	// Network is a logical network.
	Network = datacenter.Network
	// Delays are the times that things take.
	Delays = datacenter.Delays
	// Fault is one thing that goes wrong on purpose.
	Fault = fault.Fault
	// Inventory lists what an engine holds.
	Inventory = model.Inventory
	// IDs names the objects that the configuration lays down.
	IDs = datacenter.IDs
)

type (
	// Machines runs virtual machines for the engine.
	Machines = datacenter.Machines
	// Volumes holds the contents of disks.
	Volumes = datacenter.Volumes
	// Hardware describes a virtual machine.
	Hardware = datacenter.Hardware
	// Media is a medium with a live system.
	Media = datacenter.Media
	// NIC is one network card of a machine.
	NIC = datacenter.NIC
	// Disk is one disk of a machine.
	Disk = datacenter.Disk
	// State is what a machine does right now.
	State = datacenter.State
)

// The states of a machine.
const (
	StateDown     = datacenter.StateDown
	StateStarting = datacenter.StateStarting
	StateUp       = datacenter.StateUp
	StateStopping = datacenter.StateStopping
)

// Engine is one oVirt engine. It is safe for concurrent use.
type Engine struct {
	*rest.Server
	images http.Handler
}

// New starts an engine. Close it in the end.
func New(cfg Config, m Machines, v Volumes) (*Engine, error) {
	dc, err := datacenter.New(cfg, m, v)
	if err != nil {
		return nil, fmt.Errorf("configure engine: %w", err)
	}
	server := rest.New(dc, infra.Routes, storage.Routes, compute.Routes)
	return &Engine{server, server.Images(imageio.New(dc))}, nil
}

// ImageHandler serves image transfers under /images/.
func (e *Engine) ImageHandler() http.Handler { return e.images }

// Inject makes something go wrong and returns its ID, for Heal.
func (e *Engine) Inject(f Fault) string {
	e.Log.Info("fault injected",
		"kind", f.Kind, "method", f.Method, "path", f.Path, "status", f.Status, "count", f.Count)
	return e.DataCenter.Faults.Add(f)
}

// Heal ends a fault, or all of them when id is empty. VMs that a fault kept
// from booting stay as they are until they are started again.
func (e *Engine) Heal(id string) { e.DataCenter.Faults.Clear(id) }

// Faults lists what is still going to go wrong.
func (e *Engine) Faults() []Fault { return e.DataCenter.Faults.List() }
