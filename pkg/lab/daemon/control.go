package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/machine"
	"github.com/okd-install/okd-install/pkg/lab/network"
)

// Status is what is known only while the lab runs.
type Status struct {
	Machines []machine.Status `json:"machines"`
	Objects
}

// Objects are those of the engine that an install-config names.
type Objects struct {
	ClusterID       string `json:"ovirtClusterID"`
	StorageDomainID string `json:"ovirtStorageDomainID"`
	NetworkName     string `json:"ovirtNetworkName"`
	VNICProfileID   string `json:"vnicProfileID"`
}

// control is the handler of the lab's own socket, for its operator.
func (d *Daemon) control() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, do func(r *http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			v, err := do(r)
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				v = map[string]string{"error": err.Error()}
			}
			_ = json.NewEncoder(w).Encode(v) // fails only when the client has hung up
		})
	}
	// order is handle for what has no answer but that it is done.
	order := func(pattern string, do func(r *http.Request) error) {
		handle(pattern, func(r *http.Request) (any, error) { return struct{}{}, do(r) })
	}
	handle("GET /status", func(*http.Request) (any, error) { return d.status(), nil })
	handle("GET /dns", func(*http.Request) (any, error) { return d.names.list() })
	order("PUT /dns/{name}", func(r *http.Request) error {
		var conf string
		if err := json.NewDecoder(r.Body).Decode(&conf); err != nil {
			return err
		}
		return d.names.set(r.Context(), r.PathValue("name"), []byte(conf))
	})
	order("DELETE /dns/{name}", func(r *http.Request) error { return d.names.remove(r.PathValue("name")) })
	order("POST /machines", decoded(d.create))
	d.hostRoutes(handle, order)
	order("DELETE /machines/{name}", func(r *http.Request) error { return d.remove(r.Context(), r.PathValue("name")) })
	order("POST /machines/{name}/{action}", func(r *http.Request) error {
		return d.press(r.Context(), r.PathValue("name"), r.PathValue("action"))
	})
	order("POST /services/{name}/{action}", func(r *http.Request) error {
		return d.cut(r.PathValue("name"), r.PathValue("action"))
	})
	mux.Handle("/engine/", http.StripPrefix("/engine", d.engine.AdminHandler()))
	return mux
}

// orderFunc registers a request that has no answer but that it is done.
type orderFunc func(pattern string, do func(r *http.Request) error)

// decoded reads the body of a request and does something with it.
func decoded[T any](do func(ctx context.Context, in T) error) func(r *http.Request) error {
	return func(r *http.Request) error {
		var in T
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			return fmt.Errorf("read request: %w", err)
		}
		return do(r.Context(), in)
	}
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
		// The engine decides whether it may be done.
		vm := map[string]func(id string) error{
			"start": d.engine.StartVM, "stop": d.engine.StopVM, "shutdown": d.engine.ShutdownVM,
		}[action]
		if err := vm(m.ID); err != nil {
			return fmt.Errorf("engine: %w", err)
		}
		return nil
	case "kill":
		return d.machines.PowerOff(ctx, m.ID) // behind the engine's back
	case "reset":
		return d.machines.Reset(ctx, m.ID)
	case "unplug", "plug":
		return network.Switch{}.Link(ctx, m.ID, 0, action == "plug")
	}
	return fmt.Errorf("unknown action %q; use start, stop, shutdown, kill, reset, unplug or plug", action)
}

// cut makes a service unreachable or reachable again, or has releases signed by
// somebody else.
func (d *Daemon) cut(name, action string) error {
	if name == "signatures" && (action == "forged" || action == "good") {
		return d.releases.Forge(action == "forged")
	}
	gates := map[string]*gate{"registry": d.registry, "images": d.images, "updates": d.updates}
	maps.Copy(gates, d.outside)
	g, ok := gates[name]
	if !ok {
		return fmt.Errorf("unknown service %q; use %s (on or off), or signatures (good or forged)",
			name, strings.Join(slices.Sorted(maps.Keys(gates)), ", "))
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
	return Status{Machines: d.machines.List(), Objects: Objects{
		ClusterID: ids.Cluster, StorageDomainID: ids.Domains[StorageDomain],
		NetworkName: "ovirtmgmt", VNICProfileID: ids.Profiles["ovirtmgmt"],
	}}
}
