// Package imageio is the data server beside an engine: clients move disk
// contents to and from https://HOST/images/TICKET, where knowing the ticket is
// the permission.
package imageio

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
)

// Handler serves /images/TICKET.
type Handler struct{ dc *datacenter.DataCenter }

// New makes a handler.
func New(dc *datacenter.DataCenter) *Handler { return &Handler{dc} }

const features = `{"features": ["checksum", "extents", "flush", "zero"], "max_readers": 8, "max_writers": 8}`

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// What a refused client is still sending is read before the answer goes out:
	// on a connection that closes it would see a reset and not the answer.
	defer func() { _, _ = io.CopyN(io.Discard, r.Body, 1<<20) }()
	rest, ok := strings.CutPrefix(r.URL.Path, "/images/")
	if !ok {
		fail(w, http.StatusNotFound, "no handler for %q", r.URL.Path)
		return
	}
	id, extents := strings.CutSuffix(rest, "/extents")
	if id == "*" && r.Method == http.MethodOptions {
		options(w, "OPTIONS,GET,PUT,PATCH")
		return
	}
	ticket, err := h.dc.Ticket(id)
	if err != nil {
		fail(w, http.StatusForbidden, "You are not allowed to access this resource: %v %q", err, id)
		return
	}
	switch {
	case extents && r.Method == http.MethodGet:
		h.extents(w, r, ticket)
	case extents:
		fail(w, http.StatusMethodNotAllowed, "Invalid method %q", r.Method)
	case r.Method == http.MethodOptions && ticket.Upload:
		options(w, "OPTIONS,GET,PUT,PATCH")
	case r.Method == http.MethodOptions:
		options(w, "OPTIONS,GET")
	case r.Method == http.MethodPut && ticket.Upload:
		h.put(w, r, ticket)
	case r.Method == http.MethodPatch && ticket.Upload:
		h.patch(w, r, ticket)
	case r.Method == http.MethodPut || r.Method == http.MethodPatch:
		fail(w, http.StatusForbidden, "Ticket %q forbids write", ticket.ID)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		h.get(w, r, ticket)
	default:
		fail(w, http.StatusMethodNotAllowed, "Invalid method %q", r.Method)
	}
}

func options(w http.ResponseWriter, allow string) {
	w.Header().Set("Allow", allow)
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, features)
}

func (h *Handler) put(w http.ResponseWriter, r *http.Request, t datacenter.Ticket) {
	if r.ContentLength < 0 {
		fail(w, http.StatusBadRequest, "Content-Length header is required")
		return
	}
	start, err := contentStart(r.Header.Get("Content-Range"), r.ContentLength)
	if err != nil {
		fail(w, http.StatusBadRequest, "%v", err)
		return
	}
	// Compared this way round so that a huge offset cannot wrap around.
	if start > t.Size || r.ContentLength > t.Size-start {
		fail(w, http.StatusForbidden, "Requested range out of allowed range: offset %d, size %d, ticket size %d",
			start, r.ContentLength, t.Size)
		return
	}
	body := &io.LimitedReader{R: h.pace(r.Context(), r.Body, t), N: r.ContentLength}
	if _, err := h.dc.WriteImage(r.Context(), t, start, body); err != nil {
		fail(w, http.StatusInternalServerError, "write to ticket %s: %v", t.ID, err)
		return
	}
	if body.N > 0 {
		fail(w, http.StatusBadRequest, "Unexpected end of input: %d bytes missing", body.N)
	}
}

// contentStart reads the first number of "bytes 0-99/*"; without a header the
// content starts at 0.
func contentStart(header string, length int64) (int64, error) {
	if header == "" {
		return 0, nil
	}
	spec, ok := strings.CutPrefix(header, "bytes ")
	first, rest, ok2 := strings.Cut(spec, "-")
	last, _, ok3 := strings.Cut(rest, "/")
	start, err := strconv.ParseInt(first, 10, 64)
	if !ok || !ok2 || !ok3 || err != nil || start < 0 {
		return 0, fmt.Errorf("invalid Content-Range %q", header)
	}
	if last != "*" {
		end, err := strconv.ParseInt(last, 10, 64)
		if err != nil || end-start+1 != length {
			return 0, fmt.Errorf("Content-Range %q does not fit Content-Length %d", header, length)
		}
	}
	return start, nil
}

func (h *Handler) patch(w http.ResponseWriter, r *http.Request, t datacenter.Ticket) {
	var op struct {
		Op     string `json:"op"`
		Offset int64  `json:"offset"`
		Size   int64  `json:"size"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 64<<10)).Decode(&op); err != nil {
		fail(w, http.StatusBadRequest, "invalid JSON message: %v", err)
		return
	}
	switch op.Op {
	case "flush":
	case "zero":
		if op.Offset < 0 || op.Size < 0 || op.Offset > t.Size || op.Size > t.Size-op.Offset {
			fail(w, http.StatusForbidden, "Requested range out of allowed range: offset %d, size %d", op.Offset, op.Size)
			return
		}
		if _, err := h.dc.WriteImage(r.Context(), t, op.Offset, io.LimitReader(zeros{}, op.Size)); err != nil {
			fail(w, http.StatusInternalServerError, "zero ticket %s: %v", t.ID, err)
		}
	default:
		fail(w, http.StatusBadRequest, "Unknown operation: %q", op.Op)
	}
}

func (h *Handler) get(w http.ResponseWriter, r *http.Request, t datacenter.Ticket) {
	content, _, err := h.dc.ReadImage(r.Context(), t)
	if err != nil {
		fail(w, http.StatusInternalServerError, "read ticket %s: %v", t.ID, err)
		return
	}
	defer content.Close()
	// One range is served; anything else is answered with the whole content.
	if spec := r.Header.Get("Range"); !strings.HasPrefix(spec, "bytes=") || strings.Contains(spec, ",") {
		r.Header.Del("Range")
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	// The client sees a failure as a short body.
	http.ServeContent(w, r, "", time.Time{}, struct {
		io.Reader
		io.Seeker
	}{h.pace(r.Context(), content, t), content})
}

func (h *Handler) extents(w http.ResponseWriter, r *http.Request, t datacenter.Ticket) {
	content, size, err := h.dc.ReadImage(r.Context(), t)
	if err != nil {
		fail(w, http.StatusInternalServerError, "read ticket %s: %v", t.ID, err)
		return
	}
	content.Close()
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `[{"start": 0, "length": %d, "zero": false, "hole": false}]`, size)
}

func fail(w http.ResponseWriter, status int, format string, args ...any) {
	http.Error(w, fmt.Sprintf(format, args...), status)
}

// pace limits a stream to the ticket's speed.
func (h *Handler) pace(ctx context.Context, r io.Reader, t datacenter.Ticket) io.Reader {
	if t.BytesPerSecond <= 0 {
		return r
	}
	return &paced{ctx: ctx, clock: h.dc.Clock, r: r, rate: t.BytesPerSecond}
}

type paced struct {
	ctx   context.Context
	clock clock.Clock
	r     io.Reader
	rate  int64
}

func (p *paced) Read(b []byte) (int, error) {
	// A tenth of a second at a time keeps slow streams moving.
	chunk := max(1, p.rate/10)
	if int64(len(b)) > chunk {
		b = b[:chunk]
	}
	n, err := p.r.Read(b)
	wait := time.Duration(float64(n) / float64(p.rate) * float64(time.Second))
	if e := p.clock.Sleep(p.ctx, wait); e != nil {
		return n, e
	}
	return n, err
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
