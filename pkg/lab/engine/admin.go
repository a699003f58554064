package engine

import (
	"encoding/json"
	"net/http"

	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
)

// AdminHandler serves the lab's own view of the engine, for its operator and
// never for the network: GET /inventory, /faults; POST /faults with a Fault,
// /expire; DELETE /faults, /faults/ID; PUT /hosts/NAME/status and
// /domains/NAME/status with the status as JSON string.
func (e *Engine) AdminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /inventory", func(w http.ResponseWriter, _ *http.Request) {
		rest.WriteJSON(w, http.StatusOK, e.Inventory())
	})
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) {
		rest.WriteJSON(w, http.StatusOK, e.Faults())
	})
	mux.HandleFunc("POST /faults", func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&f); err != nil {
			http.Error(w, "read fault: "+err.Error(), http.StatusBadRequest)
			return
		}
		f.ID = e.Inject(f)
		rest.WriteJSON(w, http.StatusCreated, f)
	})
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, _ *http.Request) {
		e.Heal("")
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE /faults/{id}", func(w http.ResponseWriter, r *http.Request) {
		e.Heal(r.PathValue("id"))
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /expire", func(w http.ResponseWriter, _ *http.Request) {
		rest.WriteJSON(w, http.StatusOK, map[string]int{"expired": e.ExpireSessions()})
	})
	mux.HandleFunc("PUT /hosts/{name}/status", status(e.SetHostStatus))
	mux.HandleFunc("PUT /domains/{name}/status", status(e.SetDomainStatus))
	return mux
}

func status(change func(name, status string) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var s string
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&s); err != nil {
			http.Error(w, "read status: "+err.Error(), http.StatusBadRequest)
			return
		}
		if !change(r.PathValue("name"), s) {
			http.Error(w, "no object of that name: "+r.PathValue("name"), http.StatusNotFound)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}
