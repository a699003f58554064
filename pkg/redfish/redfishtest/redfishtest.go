// Package redfishtest is the BMC of one machine, for tests: a tree of resources with the behaviour of the
// specification. What a vendor does differently, a test puts on top.
package redfishtest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Paths of the resources that each BMC has.
const (
	Root       = "/redfish/v1/"
	Sessions   = "/redfish/v1/SessionService/Sessions"
	System     = "/redfish/v1/Systems/1"
	Reset      = System + "/Actions/ComputerSystem.Reset"
	Manager    = "/redfish/v1/Managers/1"
	Media      = Manager + "/VirtualMedia"
	CD         = Media + "/CD"
	Insert     = CD + "/Actions/VirtualMedia.InsertMedia"
	Eject      = CD + "/Actions/VirtualMedia.EjectMedia"
	Cards      = System + "/EthernetInterfaces"
	Username   = "admin"
	Password   = "correct-horse"
	firstToken = "token-"
)

// Doc is a resource.
type Doc = map[string]any

// Request is one that was received.
type Request struct {
	Method, Path string
	Body         Doc
	Header       http.Header
	From         string // address and port: one for each connection
}

// String is the method, the path and the body.
func (r Request) String() string {
	if r.Body == nil {
		return r.Method + " " + r.Path
	}
	body, _ := json.Marshal(r.Body) //nolint:errchkjson // it was JSON
	return fmt.Sprintf("%s %s %s", r.Method, r.Path, body)
}

// Quirk answers a request in the BMC's place if it wants to.
type Quirk func(w http.ResponseWriter, r Request) (answered bool)

// BMC is the simulated one. The methods may be called while it runs.
type BMC struct {
	Server *httptest.Server

	mu       sync.Mutex
	docs     map[string]Doc
	versions map[string]int // for ETags
	quirks   []Quirk
	requests []Request
	sessions map[string]string // path by token
	logins   int
}

// New starts a BMC with HTTPS; a test that wants its CA has Server.Certificate. It ends with the test.
func New(t testing.TB) *BMC {
	t.Helper()
	b := &BMC{docs: tree(), versions: map[string]int{}, sessions: map[string]string{}}
	b.Server = httptest.NewTLSServer(http.HandlerFunc(b.serve))
	t.Cleanup(b.Server.Close)
	return b
}

func ref(path string) Doc { return Doc{"@odata.id": path} }

// Collection is a resource that lists others.
func Collection(members ...string) Doc {
	list := make([]any, 0, len(members))
	for _, m := range members {
		list = append(list, ref(m))
	}
	return Doc{"Members": list, "Members@odata.count": len(list)}
}

func tree() map[string]Doc {
	return map[string]Doc{
		Root: {
			"RedfishVersion": "1.11.0", "Systems": ref("/redfish/v1/Systems"), "Managers": ref("/redfish/v1/Managers"),
			"SessionService": ref("/redfish/v1/SessionService"), "Links": Doc{"Sessions": ref(Sessions)},
		},
		"/redfish/v1/Systems":  Collection(System),
		"/redfish/v1/Managers": Collection(Manager),
		System: {
			"@odata.id": System, "Id": "1", "Manufacturer": "Contoso", "Model": "3500", "SerialNumber": "437XR1138R2",
			"UUID": "38947555-7742-3448-3784-823347823834", "BiosVersion": "P79 v1.45", "PowerState": "On",
			"Boot": Doc{
				"BootSourceOverrideEnabled": "Disabled", "BootSourceOverrideTarget": "None", "BootSourceOverrideMode": "UEFI",
				"BootSourceOverrideTarget@Redfish.AllowableValues": []any{"None", "Pxe", "Cd", "Hdd"},
			},
			"Actions": Doc{"#ComputerSystem.Reset": Doc{
				"target":                            Reset,
				"ResetType@Redfish.AllowableValues": []any{"On", "ForceOff", "GracefulShutdown", "ForceRestart"},
			}},
			"EthernetInterfaces": ref(Cards),
			"Links":              Doc{"ManagedBy": []any{ref(Manager)}},
		},
		Cards:        Collection(Cards+"/1", Cards+"/2"),
		Cards + "/1": {"@odata.id": Cards + "/1", "Id": "1", "MACAddress": "52:54:00:AA:BB:01"},
		Cards + "/2": {"@odata.id": Cards + "/2", "Id": "2", "MACAddress": "52:54:00:AA:BB:02"},
		Manager: {
			"@odata.id": Manager, "Id": "1", "ManagerType": "BMC", "Model": "Joo Janta 200", "FirmwareVersion": "1.00",
			"VirtualMedia": ref(Media),
		},
		Media:              Collection(Media+"/Floppy1", CD),
		Media + "/Floppy1": slot(Media+"/Floppy1", "Floppy1", "Floppy"),
		CD:                 slot(CD, "CD", "CD", "DVD"),
	}
}

func slot(path, id string, types ...any) Doc {
	return Doc{
		"@odata.id": path, "Id": id, "Name": id, "MediaTypes": types, "Inserted": false, "Image": nil,
		"Actions": Doc{
			"#VirtualMedia.InsertMedia": Doc{"target": path + "/Actions/VirtualMedia.InsertMedia"},
			"#VirtualMedia.EjectMedia":  Doc{"target": path + "/Actions/VirtualMedia.EjectMedia"},
		},
	}
}

// AddSlot adds a drive to a collection, which is made if it is not there.
func (b *BMC) AddSlot(collection, id string, types ...any) {
	path := collection + "/" + id
	b.Set(path, slot(path, id, types...))
	b.mu.Lock()
	defer b.mu.Unlock()
	var members []any
	if c, ok := b.docs[collection]; ok {
		members, _ = c["Members"].([]any)
	}
	b.docs[collection] = Doc{"Members": append(members, ref(path))}
}

// Set makes or replaces a resource.
func (b *BMC) Set(path string, doc Doc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.docs[path] = doc
	b.versions[path]++
}

// Delete removes a resource.
func (b *BMC) Delete(path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.docs, path)
}

// Edit merges values into a resource.
func (b *BMC) Edit(path string, values Doc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	merge(b.docs[path], values)
	b.versions[path]++
}

// Get is a property of a resource; the names go down into it.
func (b *BMC) Get(path string, names ...string) any {
	b.mu.Lock()
	defer b.mu.Unlock()
	var v any = b.docs[path]
	for _, n := range names {
		d, _ := v.(Doc)
		v = d[n]
	}
	return v
}

func merge(into, values Doc) {
	for k, v := range values {
		inner, isDoc := v.(Doc)
		old, wasDoc := into[k].(Doc)
		if isDoc && wasDoc {
			merge(old, inner)
			continue
		}
		into[k] = v
	}
}

// Quirk puts a behaviour in front of the BMC's own. The last one that was added is asked first.
func (b *BMC) Quirk(q Quirk) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.quirks = append([]Quirk{q}, b.quirks...)
}

// Refuse answers requests with an error as long as n is above 0; a negative n is for ever.
func (b *BMC) Refuse(method, path string, n, status int, id, message string) {
	b.Quirk(func(w http.ResponseWriter, r Request) bool {
		if r.Method != method || r.Path != path || n == 0 {
			return false
		}
		n--
		Fail(w, status, id, message)
		return true
	})
}

// RefuseIf refuses requests whose body is not to the BMC's liking.
func (b *BMC) RefuseIf(method, path string, status int, id, message string, dislikes func(Doc) bool) {
	b.Quirk(func(w http.ResponseWriter, r Request) bool {
		if r.Method != method || r.Path != path || !dislikes(r.Body) {
			return false
		}
		Fail(w, status, id, message)
		return true
	})
}

// Fail answers with an error of the specification.
func Fail(w http.ResponseWriter, status int, id, message string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(Doc{"error": Doc{
		"code": "Base.1.8.GeneralError", "message": "A general error has occurred.",
		"@Message.ExtendedInfo": []any{Doc{"MessageId": "Base.1.8." + id, "Message": message}},
	}})
}

// Requests are all that were received.
func (b *BMC) Requests() []Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.requests)
}

// Changes are the requests that were to change something, without those for sessions.
func (b *BMC) Changes() []string {
	var out []string
	for _, r := range b.Requests() {
		if r.Method != http.MethodGet && !strings.HasPrefix(r.Path, Sessions) {
			out = append(out, r.String())
		}
	}
	return out
}

// Sessions is the number of sessions now, and Logins of those that were made.
func (b *BMC) Sessions() int { b.mu.Lock(); defer b.mu.Unlock(); return len(b.sessions) }

// Logins is the number of sessions that were made.
func (b *BMC) Logins() int { b.mu.Lock(); defer b.mu.Unlock(); return b.logins }

// Expire ends all sessions.
func (b *BMC) Expire() { b.mu.Lock(); defer b.mu.Unlock(); clear(b.sessions) }

func (b *BMC) serve(w http.ResponseWriter, hr *http.Request) {
	r := Request{Method: hr.Method, Path: hr.URL.Path, Header: hr.Header, From: hr.RemoteAddr}
	if raw, err := io.ReadAll(io.LimitReader(hr.Body, 1<<20)); err == nil && len(raw) > 0 {
		if json.Unmarshal(raw, &r.Body) != nil {
			Fail(w, http.StatusBadRequest, "MalformedJSON", "The request body is not JSON.")
			return
		}
	}
	b.mu.Lock()
	b.requests = append(b.requests, r)
	quirks := slices.Clone(b.quirks)
	b.mu.Unlock()
	for _, q := range quirks {
		if q(w, r) {
			return
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if !b.allowed(r, hr) {
		Fail(w, http.StatusUnauthorized, "NoValidSession", "There is no valid session.")
		return
	}
	b.answer(w, r)
}

func (b *BMC) allowed(r Request, hr *http.Request) bool {
	if r.Path == Root || r.Method == http.MethodPost && r.Path == Sessions {
		return true
	}
	user, password, ok := hr.BasicAuth()
	_, session := b.sessions[r.Header.Get("X-Auth-Token")]
	return session || ok && user == Username && password == Password
}

func (b *BMC) answer(w http.ResponseWriter, r Request) {
	doc, known := b.docs[r.Path]
	switch {
	case r.Path == Sessions && r.Method == http.MethodPost:
		b.login(w, r)
	case strings.HasPrefix(r.Path, Sessions+"/") && r.Method == http.MethodDelete:
		maps.DeleteFunc(b.sessions, func(_, path string) bool { return path == r.Path })
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPost:
		b.act(w, r)
	case !known:
		Fail(w, http.StatusNotFound, "ResourceMissingAtURI", "The resource at the URI "+r.Path+" was not found.")
	case r.Method == http.MethodGet:
		w.Header().Set("ETag", b.etag(r.Path))
		_ = json.NewEncoder(w).Encode(doc)
	case r.Method == http.MethodPatch:
		if tag := r.Header.Get("If-Match"); tag != "" && tag != b.etag(r.Path) {
			Fail(w, http.StatusPreconditionFailed, "PreconditionFailed", "The ETag did not match.")
			return
		}
		merge(doc, r.Body)
		b.versions[r.Path]++
		w.WriteHeader(http.StatusOK)
		_ = json.NewEncoder(w).Encode(doc)
	default:
		Fail(w, http.StatusMethodNotAllowed, "OperationNotAllowed", "The method is not allowed.")
	}
}

func (b *BMC) etag(path string) string { return fmt.Sprintf(`W/"%d"`, b.versions[path]) }

func (b *BMC) login(w http.ResponseWriter, r Request) {
	if r.Body["UserName"] != Username || r.Body["Password"] != Password {
		Fail(w, http.StatusUnauthorized, "AuthenticationFailed", fmt.Sprintf("Wrong login %v.", r.Body["Password"]))
		return
	}
	b.logins++
	token, path := fmt.Sprintf("%s%d", firstToken, b.logins), fmt.Sprintf("%s/%d", Sessions, b.logins)
	b.sessions[token] = path
	w.Header().Set("X-Auth-Token", token)
	w.Header().Set("Location", "https://bmc.internal"+path) // a name that only the BMC knows
	w.WriteHeader(http.StatusCreated)
}

func (b *BMC) act(w http.ResponseWriter, r Request) {
	of, action, _ := strings.Cut(r.Path, "/Actions/")
	doc, known := b.docs[of]
	if !known {
		Fail(w, http.StatusNotFound, "ResourceMissingAtURI", "There is no such action.")
		return
	}
	switch action {
	case "ComputerSystem.Reset":
		how, _ := r.Body["ResetType"].(string)
		doc["PowerState"] = map[bool]string{true: "Off", false: "On"}[how == "ForceOff" || how == "GracefulShutdown"]
	case "VirtualMedia.InsertMedia":
		doc["Image"], doc["Inserted"] = r.Body["Image"], true
	case "VirtualMedia.EjectMedia":
		if r.Body == nil {
			Fail(w, http.StatusBadRequest, "MalformedJSON", "The request has no body.")
			return
		}
		doc["Image"], doc["Inserted"] = nil, false
	default:
		Fail(w, http.StatusNotFound, "ActionNotSupported", "There is no such action.")
		return
	}
	b.versions[of]++
	w.WriteHeader(http.StatusNoContent)
}
