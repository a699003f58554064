package bmc

import (
	"errors"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/lab/bmc/wire"
)

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
	fields wire.Fields // of the body
	empty  bool        // there is no body
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
		_, body := b.p.ErrorBody(vendor.Refuse(vendor.Broken))
		a = answer{status: trouble.status, body: body}
	} else {
		a = b.answer(r)
	}
	if trouble.lost {
		panic(http.ErrAbortHandler)
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	wire.Write(w, r, a.status, a.body)
}

func (b *BMC) answer(r *http.Request) answer {
	a, err := b.handle(r)
	if err == nil {
		return a
	}
	var f *vendor.Failure
	if !errors.As(err, &f) {
		f = &vendor.Failure{Kind: vendor.Broken, Cause: err}
	}
	if f.Cause != nil {
		b.cfg.Log.Warn("a request failed", "method", r.Method, "path", r.URL.Path, "error", f)
	}
	status, body := b.p.ErrorBody(f)
	if a.header == nil {
		a.header = http.Header{}
	}
	if status == http.StatusUnauthorized {
		a.header.Set("WWW-Authenticate", `Basic realm="Redfish"`)
	}
	if f.Kind == vendor.Busy {
		a.header.Set("Retry-After", f.Args[0])
	}
	return answer{status: status, header: a.header, body: body}
}

func (b *BMC) handle(r *http.Request) (answer, error) {
	where := path.Clean("/" + r.URL.Path)
	res, found := b.find(where)
	if !found || !res.open || (r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost) {
		if !b.loggedIn(r) {
			return answer{}, vendor.Refuse(vendor.Unauthorized)
		}
	}
	if !found {
		return answer{}, vendor.Refuse(vendor.NotFound, where)
	}
	h := res.methods()[r.Method]
	allow := http.Header{"Allow": {res.allow()}}
	if h == nil {
		return answer{header: allow}, vendor.Refuse(vendor.BadMethod)
	}
	c := &call{Request: r, empty: true}
	if r.Method == http.MethodPost || r.Method == http.MethodPatch {
		var err error
		if c.fields, c.empty, err = wire.Read(r); err != nil {
			return answer{}, err
		}
		if err := b.precondition(c, res); err != nil {
			return answer{}, err
		}
	}
	a, err := h(c)
	if err == nil && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		maps.Copy(allow, a.header)
		a.header = allow
		if tag := wire.ETag(a.body, b.p.ETags.Weak); tag != "" && a.status == http.StatusOK {
			a.header.Set("ETag", tag)
		}
	}
	return a, err
}

// precondition compares If-Match with the state of what is to be changed.
func (b *BMC) precondition(c *call, res resource) error {
	header := strings.Join(c.Header.Values("If-Match"), ",")
	if c.Method == http.MethodPost {
		if header != "" && b.p.ETags.PostRefused {
			return vendor.Refuse(vendor.Precondition)
		}
		return nil
	}
	if header == "" {
		if b.p.ETags.Required {
			return vendor.Refuse(vendor.NoPrecondition)
		}
		return nil
	}
	var mismatch, strong bool
	b.locked(func() { mismatch, strong = b.faults.etags.take(), b.faults.strongTags })
	if mismatch || res.get == nil {
		return vendor.Refuse(vendor.Precondition)
	}
	now, err := res.get(c)
	if err != nil {
		return err
	}
	want := wire.ETag(now.body, b.p.ETags.Weak)
	if strong {
		want = strings.TrimPrefix(want, "W/")
	}
	if !wire.Match(header, want) {
		return vendor.Refuse(vendor.Precondition)
	}
	return nil
}
