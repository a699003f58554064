package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/okd-install/okd-install/pkg/lab/machine"
	"github.com/okd-install/okd-install/pkg/lab/network"
)

// Status is what is known only while the lab runs.
type Status struct {
	Machines []machine.Status `json:"machines"`
	// Objects of the engine that an install-config names.
	ClusterID       string `json:"ovirtClusterID"`
	StorageDomainID string `json:"ovirtStorageDomainID"`
	NetworkName     string `json:"ovirtNetworkName"`
	VNICProfileID   string `json:"vnicProfileID"`
}

// control is the handler of the lab's own socket, for its operator.
func (d *Daemon) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, d.status(), nil)
	})
	mux.HandleFunc("POST /machines", func(w http.ResponseWriter, r *http.Request) {
		var n NewMachine
		err := json.NewDecoder(r.Body).Decode(&n)
		if err == nil {
			err = d.create(r.Context(), n)
		}
		answer(w, struct{}{}, err)
	})
	mux.HandleFunc("DELETE /machines/{name}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, d.remove(r.Context(), r.PathValue("name")))
	})
	mux.HandleFunc("GET /dns", func(w http.ResponseWriter, _ *http.Request) {
		list, err := d.names.list()
		answer(w, list, err)
	})
	mux.HandleFunc("PUT /dns/{name}", func(w http.ResponseWriter, r *http.Request) {
		var conf string
		err := json.NewDecoder(r.Body).Decode(&conf)
		if err == nil {
			err = d.names.set(r.Context(), r.PathValue("name"), []byte(conf))
		}
		answer(w, struct{}{}, err)
	})
	mux.HandleFunc("DELETE /dns/{name}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, d.names.remove(r.PathValue("name")))
	})
	mux.HandleFunc("POST /machines/{name}/{action}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, d.press(r.Context(), r.PathValue("name"), r.PathValue("action")))
	})
	mux.HandleFunc("POST /services/{name}/{action}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, d.cut(r.PathValue("name"), r.PathValue("action")))
	})
	mux.Handle("/engine/", http.StripPrefix("/engine", d.engine.AdminHandler()))
	return mux
}

func answer(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		v = map[string]string{"error": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(v) // fails only when the client has hung up
}

func (d *Daemon) find(name string) (machine.Status, error) {
	for _, m := range d.machines.List() {
		if m.Name == name || m.ID == name {
			return m, nil
		}
	}
	return machine.Status{}, fmt.Errorf(
		"there is no machine %s; okd-lab machines list shows all that have ever been started", name)
}

// press does to a machine what a person with access to the engine or to the
// hypervisor can do.
func (d *Daemon) press(ctx context.Context, name, action string) error {
	m, err := d.find(name)
	if err != nil {
		return err
	}
	switch action {
	case "start", "stop", "shutdown":
		if m.Standalone {
			return d.pressAlone(ctx, m.ID, action)
		}
		return d.pressEngine(m.ID, action)
	case "kill":
		return d.machines.PowerOff(ctx, m.ID) // behind the engine's back
	case "reset":
		return d.machines.Reset(ctx, m.ID)
	case "unplug", "plug":
		return network.Switch{}.Link(ctx, m.ID, 0, action == "plug")
	}
	return fmt.Errorf("unknown action %q; use start, stop, shutdown, kill, reset, unplug or plug", action)
}

// pressEngine lets the engine do it, which decides whether it may be done.
func (d *Daemon) pressEngine(id, action string) error {
	order := d.engine.ShutdownVM
	switch action {
	case "start":
		order = d.engine.StartVM
	case "stop":
		order = d.engine.StopVM
	}
	if err := order(id); err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	return nil
}

// cut makes a service unreachable or reachable again, or has releases signed by
// somebody else.
func (d *Daemon) cut(name, action string) error {
	if name == "signatures" && (action == "forged" || action == "good") {
		return d.releases.Forge(action == "forged")
	}
	g, ok := map[string]*gate{"registry": d.registry, "images": d.images, "updates": d.updates}[name]
	if !ok {
		return fmt.Errorf(
			"unknown service %q; use registry, images or updates (on or off), or signatures (good or forged)", name)
	}
	switch action {
	case "off", "on":
		g.shut.Store(action == "off")
		return nil
	}
	return fmt.Errorf("unknown action %q; use on or off", action)
}

func (d *Daemon) status() Status {
	ids := d.engine.IDs()
	return Status{
		Machines: d.machines.List(), NetworkName: "ovirtmgmt",
		ClusterID: ids.Cluster, StorageDomainID: ids.Domains[StorageDomain], VNICProfileID: ids.Profiles["ovirtmgmt"],
	}
}
