package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/machine"
	"github.com/okd-install/okd-install/pkg/lab/network"
)

// Status is what the daemon knows that the files do not say.
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
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		st, err := d.status(r.Context())
		answer(w, st, err)
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
	_ = json.NewEncoder(w).Encode(v) // the client is gone, then
}

func (d *Daemon) find(name string) (machine.Status, error) {
	for _, m := range d.machines.List() {
		if m.Name == name || m.ID == name {
			return m, nil
		}
	}
	return machine.Status{}, fmt.Errorf("there is no machine %s; okd-lab machines list shows all that have ever been started", name)
}

// press does what a person with access to the engine or to the hypervisor
// does to a machine.
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
		// Through the engine, which knows whether it may. stop is its power off.
		return d.engineAction(ctx, "/vms/"+m.ID+"/"+action)
	case "kill":
		return d.machines.PowerOff(ctx, m.ID) // behind the engine's back
	case "reset":
		return d.machines.Reset(ctx, m.ID)
	case "unplug", "plug":
		return network.Switch{}.Link(ctx, m.ID, 0, action == "plug")
	}
	return fmt.Errorf("action %q is none of start, stop, shutdown, kill, reset, unplug, plug", action)
}

// cut makes a service unreachable, or reachable again, or its signatures those of
// somebody else.
func (d *Daemon) cut(name, action string) error {
	if name == "signatures" && (action == "forged" || action == "good") {
		return d.releases.Forge(action == "forged")
	}
	g, ok := map[string]*gate{"registry": d.registry, "images": d.images, "updates": d.updates}[name]
	if !ok {
		return fmt.Errorf("service %q is none of registry, images, updates (on or off) and signatures (good or forged)", name)
	}
	switch action {
	case "off", "on":
		g.shut.Store(action == "off")
		return nil
	}
	return fmt.Errorf("action %q is neither on nor off", action)
}

// call asks the engine's API in this process.
func (d *Daemon) call(ctx context.Context, method, path, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "https://"+network.EngineName+"/ovirt-engine/api"+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.RemoteAddr = "127.0.0.1:0"
	req.SetBasicAuth(d.facts.Engine.User, d.facts.Engine.Password)
	req.Header.Set("Version", "4")
	req.Header.Set("Content-Type", "application/xml")
	req.Header.Set("Accept", "application/xml")
	rec := &recorder{code: http.StatusOK, header: http.Header{}}
	d.engine.Handler().ServeHTTP(rec, req)
	if rec.code/100 != 2 {
		var fault struct {
			Reason string `xml:"reason"`
			Detail string `xml:"detail"`
		}
		_ = xml.Unmarshal(rec.body.Bytes(), &fault)
		return nil, errors.New(strings.TrimSpace("engine: " + strconv.Itoa(rec.code) + " " + fault.Reason + " " + fault.Detail))
	}
	return rec.body.Bytes(), nil
}

// recorder is a ResponseWriter that keeps the answer.
type recorder struct {
	code   int
	header http.Header
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(code int)        { r.code = code }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

func (d *Daemon) engineAction(ctx context.Context, path string) error {
	_, err := d.call(ctx, http.MethodPost, path, "<action/>")
	return err
}

// named is any object of a collection.
type named struct {
	XMLName xml.Name
	ID      string `xml:"id,attr"`
	Name    string `xml:"name"`
}

func (d *Daemon) lookup(ctx context.Context, collection, name string) (string, error) {
	b, err := d.call(ctx, http.MethodGet, collection, "")
	if err != nil {
		return "", err
	}
	var list struct {
		Items []named `xml:",any"`
	}
	if err := xml.Unmarshal(b, &list); err != nil {
		return "", fmt.Errorf("read %s: %w", collection, err)
	}
	for _, i := range list.Items {
		if i.Name == name {
			return i.ID, nil
		}
	}
	return "", fmt.Errorf("the engine has no %s in %s", name, collection)
}

func (d *Daemon) status(ctx context.Context) (Status, error) {
	st := Status{Machines: d.machines.List(), NetworkName: "ovirtmgmt"}
	for _, want := range []struct {
		collection, name string
		id               *string
	}{
		{"/clusters", "Default", &st.ClusterID},
		{"/storagedomains", StorageDomain, &st.StorageDomainID},
		{"/vnicprofiles", "ovirtmgmt", &st.VNICProfileID},
	} {
		id, err := d.lookup(ctx, want.collection, want.name)
		if err != nil {
			return st, err
		}
		*want.id = id
	}
	return st, nil
}
