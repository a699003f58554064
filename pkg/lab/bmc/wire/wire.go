// Package wire has the forms of Redfish: resources, bodies of requests, ETags.
package wire

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
)

// maxBody is the size of what a client may send.
const maxBody = 256 << 10

// Object is a JSON object.
type Object = map[string]any

// Fields are those of a request's body.
type Fields = map[string]json.RawMessage

// Read takes the body of a request: nothing, or a JSON object.
func Read(r *http.Request) (fields Fields, empty bool, err error) {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, false, &vendor.Failure{Kind: vendor.Malformed, Cause: err}
	}
	if len(text) > maxBody {
		return nil, false, vendor.Refuse(vendor.TooLarge)
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil, true, nil
	}
	kind := r.Header.Get("Content-Type")
	if t, _, err := mime.ParseMediaType(kind); err != nil || t != "application/json" {
		return nil, false, vendor.Refuse(vendor.BadType, kind)
	}
	if text[0] != '{' || json.Unmarshal(text, &fields) != nil {
		return nil, false, vendor.Refuse(vendor.Malformed)
	}
	return fields, false, nil
}

// Field is a field of a body; a null is there, but has no value.
func Field[T any](fields Fields, name string) (value T, there bool, err error) {
	raw, there := fields[name]
	if there && json.Unmarshal(raw, &value) != nil {
		return value, true, vendor.Wrong(vendor.WrongType, name)
	}
	return value, there, nil
}

// Need refuses a body in which a parameter is missing.
func Need(fields Fields, names ...string) error {
	for _, name := range names {
		if _, there := fields[name]; !there {
			return vendor.Wrong(vendor.Missing, name)
		}
	}
	return nil
}

// Only refuses fields that are not known. Annotations are passed over.
func Only(fields Fields, kind string, known ...string) error {
	for name := range fields {
		if !slices.Contains(known, name) && !strings.HasPrefix(name, "@") && !strings.Contains(name, "@odata.") {
			return vendor.Wrong(kind, name)
		}
	}
	return nil
}

// ETag is the state of a resource as a word.
func ETag(body any, weak bool) string {
	text, err := json.Marshal(body)
	if err != nil || body == nil {
		return ""
	}
	sum := sha256.Sum256(text)
	tag := fmt.Sprintf("%q", fmt.Sprintf("%x", sum[:6]))
	if weak {
		tag = "W/" + tag
	}
	return tag
}

// Match reports whether an If-Match header has a tag.
func Match(header, tag string) bool {
	for t := range strings.SplitSeq(header, ",") {
		if t = strings.TrimSpace(t); t == tag || t == "*" {
			return true
		}
	}
	return false
}

// Link refers to another resource.
func Link(path string) Object { return Object{"@odata.id": path} }

// Head are the fields that every resource has.
func Head(path, kind, id, name string) Object {
	return Object{"@odata.id": path, "@odata.type": "#" + kind, "Id": id, "Name": name}
}

// Healthy is the status of what works.
var Healthy = Object{"State": "Enabled", "Health": "OK"}

// Collection is a list of resources.
func Collection(where, kind, name string, members ...string) Object {
	list := []Object{}
	for _, m := range members {
		list = append(list, Link(m))
	}
	return Object{
		"@odata.id": where, "@odata.type": "#" + kind + "." + kind, "Name": name,
		"Members": list, "Members@odata.count": len(list),
	}
}

// Write answers a request; a nil body is none.
func Write(w http.ResponseWriter, r *http.Request, status int, body any) {
	h := w.Header()
	h.Set("OData-Version", "4.0")
	h.Set("Cache-Control", "no-cache")
	text, err := json.Marshal(body)
	if err != nil {
		status, body = http.StatusInternalServerError, nil
	}
	if body == nil {
		w.WriteHeader(status)
		return
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", fmt.Sprint(len(text)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text) // fails only when the client has hung up
	}
}

// Same compares secrets in constant time, whatever their length.
func Same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
