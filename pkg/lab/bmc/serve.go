package bmc

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
)

// maxBody is the size of what a client may send.
const maxBody = 256 << 10

// object is a JSON object.
type object = map[string]any

// answer is what a client gets.
type answer struct {
	status int
	header http.Header
	body   any
}

func done(body any) answer { return answer{status: http.StatusOK, body: body} }

var noContent = answer{status: http.StatusNoContent}

func at(status int, location string, body any) answer {
	return answer{status: status, header: http.Header{"Location": {location}}, body: body}
}

// call is a request that has passed the login.
type call struct {
	*http.Request
	fields map[string]json.RawMessage // of the body
	empty  bool                       // there is no body
}

type handler func(c *call) (answer, error)

// resource is what is at one path; a nil handler means that the method is not allowed.
type resource struct {
	get, patch, post, delete handler
	open                     bool // without a login: get and post
}

func (r resource) methods() map[string]handler {
	return map[string]handler{
		http.MethodGet: r.get, http.MethodHead: r.get, http.MethodPatch: r.patch, http.MethodPost: r.post,
		http.MethodDelete: r.delete,
	}
}

func (r resource) allow() string {
	var list []string
	for method, h := range r.methods() {
		if h != nil {
			list = append(list, method)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// ServeHTTP answers a request, or does not, if that is a fault of the controller.
func (b *BMC) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	trouble := b.trouble(r)
	if trouble.slow > 0 && b.cfg.Clock.Sleep(r.Context(), trouble.slow) != nil {
		panic(http.ErrAbortHandler)
	}
	if trouble.drop {
		panic(http.ErrAbortHandler) // closes the connection
	}
	var a answer
	if trouble.status != 0 {
		_, body := b.p.errorBody(fail(broken))
		a = answer{status: trouble.status, body: body}
	} else {
		a = b.answer(r)
	}
	if trouble.lost {
		panic(http.ErrAbortHandler)
	}
	b.write(w, r, a)
}

func (b *BMC) write(w http.ResponseWriter, r *http.Request, a answer) {
	h := w.Header()
	h.Set("OData-Version", "4.0")
	h.Set("Cache-Control", "no-cache")
	for name, values := range a.header {
		h[name] = values
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	text, err := json.Marshal(a.body)
	if err != nil {
		b.cfg.Log.Error("an answer cannot be written", "path", r.URL.Path, "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", fmt.Sprint(len(text)))
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text) // fails only when the client has hung up
	}
}

func (b *BMC) answer(r *http.Request) answer {
	a, err := b.handle(r)
	if err == nil {
		return a
	}
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{kind: broken, cause: err}
	}
	if f.cause != nil {
		b.cfg.Log.Warn("a request failed", "method", r.Method, "path", r.URL.Path, "error", f)
	}
	status, body := b.p.errorBody(f)
	if a.header == nil {
		a.header = http.Header{}
	}
	if status == http.StatusUnauthorized {
		a.header.Set("WWW-Authenticate", `Basic realm="Redfish"`)
	}
	if f.kind == busy {
		a.header.Set("Retry-After", f.args[0])
	}
	return answer{status: status, header: a.header, body: body}
}

func (b *BMC) handle(r *http.Request) (answer, error) {
	where := path.Clean("/" + r.URL.Path)
	res, found := b.find(where)
	if !found || !res.open || (r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost) {
		if !b.loggedIn(r) {
			return answer{}, fail(unauthorized)
		}
	}
	if !found {
		return answer{}, fail(notFound, where)
	}
	h := res.methods()[r.Method]
	allow := http.Header{"Allow": {res.allow()}}
	if h == nil {
		return answer{header: allow}, fail(badMethod)
	}
	c := &call{Request: r, empty: true}
	if r.Method == http.MethodPost || r.Method == http.MethodPatch {
		if err := c.read(); err != nil {
			return answer{}, err
		}
		if err := b.precondition(c, res); err != nil {
			return answer{}, err
		}
	}
	a, err := h(c)
	if err == nil && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		a.header = join(a.header, allow)
		if tag := b.etag(a.body); tag != "" && a.status == http.StatusOK {
			a.header.Set("ETag", tag)
		}
	}
	return a, err
}

func join(a, b http.Header) http.Header {
	if a == nil {
		return b
	}
	for name, values := range b {
		a[name] = values
	}
	return a
}

// read takes the body of a request: nothing, or a JSON object.
func (c *call) read() error {
	text, err := io.ReadAll(io.LimitReader(c.Body, maxBody+1))
	if err != nil {
		return &failure{kind: malformed, cause: err}
	}
	if len(text) > maxBody {
		return fail(tooLarge)
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil
	}
	kind := c.Header.Get("Content-Type")
	if t, _, err := mime.ParseMediaType(kind); err != nil || t != "application/json" {
		return fail(badType, kind)
	}
	c.empty = false
	if text[0] != '{' || json.Unmarshal(text, &c.fields) != nil {
		return fail(malformed)
	}
	return nil
}

// field is a field of a body; a null is there, but has no value.
func field[T any](fields map[string]json.RawMessage, name string) (value T, there bool, err error) {
	raw, there := fields[name]
	if there && json.Unmarshal(raw, &value) != nil {
		return value, true, wrong(wrongType, name)
	}
	return value, there, nil
}

// only refuses fields that are not known. Annotations are passed over.
func only(fields map[string]json.RawMessage, kind string, known ...string) error {
	for name := range fields {
		if !slices.Contains(known, name) && !strings.HasPrefix(name, "@") && !strings.Contains(name, "@odata.") {
			return wrong(kind, name)
		}
	}
	return nil
}

// etag is the state of a resource as a word.
func (b *BMC) etag(body any) string {
	text, err := json.Marshal(body)
	if err != nil || body == nil {
		return ""
	}
	sum := sha256.Sum256(text)
	tag := fmt.Sprintf("%q", fmt.Sprintf("%x", sum[:6]))
	if b.p.ETags.Weak {
		tag = "W/" + tag
	}
	return tag
}

// precondition compares If-Match with the state of what is to be changed.
func (b *BMC) precondition(c *call, res resource) error {
	header := strings.Join(c.Header.Values("If-Match"), ",")
	if c.Method == http.MethodPost {
		if header != "" && b.p.ETags.PostRefused {
			return fail(precondition)
		}
		return nil
	}
	if header == "" {
		if b.p.ETags.Required {
			return fail(noPrecondition)
		}
		return nil
	}
	var mismatch, strong bool
	b.locked(func() { mismatch, strong = b.faults.etags.take(), b.faults.strongTags })
	if mismatch || res.get == nil {
		return fail(precondition)
	}
	now, err := res.get(c)
	if err != nil {
		return err
	}
	want := b.etag(now.body)
	if strong {
		want = strings.TrimPrefix(want, "W/")
	}
	for tag := range strings.SplitSeq(header, ",") {
		if tag = strings.TrimSpace(tag); tag == want || tag == "*" {
			return nil
		}
	}
	return fail(precondition)
}
