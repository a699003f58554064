package enginetest_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/engine/enginetest"
	"github.com/okd-install/okd-install/pkg/lab/engine/fault"
)

// transfer opens a transfer and returns its path and the ticket's URL.
func (r *rest) transfer(disk, direction, format, extra string) (path, ticket string) {
	r.t.Helper()
	a := r.do("POST", "/imagetransfers", fmt.Sprintf(
		`<image_transfer><image id="%s"/><direction>%s</direction><format>%s</format>%s</image_transfer>`,
		disk, direction, format, extra))
	if a.status != 201 || a.text("transfer_url") == "" || a.text("phase") != "initializing" {
		r.t.Fatalf("open transfer: %d %s", a.status, a.body)
	}
	path = "/imagetransfers/" + a.attr("id")
	r.phase(path, "transferring")
	return path, a.text("transfer_url")
}

func (r *rest) phase(path, want string) {
	r.t.Helper()
	got := ""
	enginetest.Eventually(r.t, path+" to be "+want, func() bool {
		got = r.do("GET", path, "").text("phase")
		return got == want
	})
}

func (r *rest) image(method, url string, body []byte, headers ...string) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return r.send(req)
}

func qcow(size uint64) []byte {
	b := make([]byte, 64<<10)
	copy(b, "QFI\xfb\x00\x00\x00\x03")
	binary.BigEndian.PutUint64(b[24:], size)
	return b
}

func TestUploadInPieces(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	disk := r.disk("d", "raw", 1<<20)
	path, url := r.transfer(disk, "upload", "raw", "")
	if s := r.status("/disks/" + disk); s != "locked" {
		t.Errorf("disk is %s during the transfer", s)
	}
	if a := r.image("OPTIONS", url, nil); a.status != 200 || !strings.Contains(a.body, `"flush"`) ||
		!strings.Contains(a.header.Get("Allow"), "PUT") {
		t.Errorf("OPTIONS: %d %s", a.status, a.body)
	}
	data := bytesOf(64 << 10)
	half := len(data) / 2
	for _, c := range []struct {
		name, method string
		body         []byte
		headers      []string
		want         int
	}{
		{"second half first", "PUT", data[half:],
			[]string{"Content-Range", fmt.Sprintf("bytes %d-%d/*", half, len(data)-1)}, 200},
		{"first half", "PUT", data[:half], []string{"Content-Range", fmt.Sprintf("bytes 0-%d/%d", half-1, len(data))}, 200},
		{"zero a piece", "PATCH", []byte(`{"op":"zero","offset":65536,"size":4096,"flush":false}`),
			[]string{"Content-Type", "application/json"}, 200},
		{"flush", "PATCH", []byte(`{"op":"flush"}`), []string{"Content-Type", "application/json"}, 200},
		{"unknown operation", "PATCH", []byte(`{"op":"dance"}`), nil, 400},
		{"beyond the end", "PUT", data, []string{"Content-Range", "bytes 1048000-1113535/*"}, 403},
		{"offset that wraps around", "PUT", data, []string{"Content-Range", "bytes 9223372036854775800-*/*"}, 403},
		{"zero beyond the end", "PATCH", []byte(`{"op":"zero","offset":1048576,"size":1}`), nil, 403},
		{"range and length differ", "PUT", data, []string{"Content-Range", "bytes 0-9/*"}, 400},
		{"nonsense", "PUT", data, []string{"Content-Range", "chapters 1-2"}, 400},
	} {
		if a := r.image(c.method, url, c.body, c.headers...); a.status != c.want {
			t.Errorf("%s: %d %s", c.name, a.status, a.body)
		}
	}
	if a := r.image("GET", strings.Replace(url, "/images/", "/images/x", 1), nil); a.status != 403 {
		t.Errorf("unknown ticket: %d", a.status)
	}
	r.ok("POST", path+"/finalize", action)
	r.phase(path, "finished_success")
	r.until("/disks/"+disk, "ok")
	if got, _ := e.Volumes.Content(disk); !bytes.HasPrefix(got, data) {
		t.Errorf("disk holds %d other bytes", len(got))
	}
	if a := r.image("PUT", url, data); a.status != 403 {
		t.Errorf("ticket works after the transfer: %d", a.status)
	}
}

func TestDownloadRanges(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	disk := r.disk("d", "raw", 1<<20)
	path, url := r.transfer(disk, "upload", "raw", "")
	data := bytesOf(1 << 20)
	r.image("PUT", url, data)
	r.ok("POST", path+"/finalize", action)
	r.until("/disks/"+disk, "ok")
	path, url = r.transfer(disk, "download", "raw", "")
	for _, c := range []struct {
		header string
		status int
		want   []byte
	}{
		{"", 200, data}, {"bytes=0-9", 206, data[:10]}, {"bytes=1048570-", 206, data[1048570:]},
		{"bytes=-6", 206, data[1048570:]},
		{"bytes=2000000-", 416, nil}, {"bytes=9-1", 416, nil},
	} {
		a := r.image("GET", url, nil, "Range", c.header)
		if a.status != c.status || c.want != nil &&
			(a.body != string(c.want) || a.header.Get("Content-Length") != fmt.Sprint(len(c.want))) {
			t.Errorf("%q: %d with %d bytes", c.header, a.status, len(a.body))
		}
	}
	if a := r.image("GET", url+"/extents", nil); a.status != 200 || !strings.Contains(a.body, `"length": 1048576`) {
		t.Errorf("extents: %d %s", a.status, a.body)
	}
	if a := r.image("PUT", url, data); a.status != 403 {
		t.Errorf("write to a download: %d", a.status)
	}
	r.ok("POST", path+"/finalize", action)
	r.until("/disks/"+disk, "ok")
}

// TestContentMustFit uploads contents under formats: only what fits makes a
// good disk.
func TestContentMustFit(t *testing.T) {
	e := enginetest.Start(t)
	for _, c := range []struct {
		name, format string
		data         []byte
		want         string
	}{
		{"raw", "raw", bytesOf(4096), "ok"},
		{"qcow2", "cow", qcow(1 << 20), "ok"},
		{"raw as cow", "cow", bytesOf(4096), "illegal"},
		{"qcow2 as raw", "raw", qcow(1 << 20), "illegal"},
		{"qcow2 for a larger disk", "cow", qcow(1 << 30), "illegal"},
		{"nothing", "raw", nil, "ok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRest(t, e)
			disk := r.disk(c.name, c.format, 1<<20)
			path, url := r.transfer(disk, "upload", c.format, "")
			if c.data != nil {
				if a := r.image("PUT", url, c.data); a.status != 200 {
					t.Fatalf("PUT: %d %s", a.status, a.body)
				}
			}
			r.ok("POST", path+"/finalize", action)
			r.until("/disks/"+disk, c.want)
			phase := map[string]string{"ok": "finished_success", "illegal": "finished_failure"}[c.want]
			r.phase(path, phase)
		})
	}
}

func TestCancelledUpload(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{{"untouched", nil, "ok"}, {"half done", bytesOf(4096), "illegal"}} {
		disk := r.disk(c.name, "raw", 1<<20)
		path, url := r.transfer(disk, "upload", "raw", "")
		if c.data != nil {
			r.image("PUT", url, c.data)
		}
		r.ok("POST", path+"/cancel", action)
		r.phase(path, "finished_failure")
		r.until("/disks/"+disk, c.want)
		// Whatever it is, it can be removed or uploaded once more.
		path, _ = r.transfer(disk, "upload", "raw", "")
		r.ok("POST", path+"/cancel", action)
		r.phase(path, "finished_failure")
		r.ok("DELETE", "/disks/"+disk, "")
	}
}

func TestIdleTransferIsPaused(t *testing.T) {
	clk := clock.NewFake(time.Unix(1_700_000_000, 0))
	e := enginetest.Start(t, enginetest.Config(func(c *engine.Config) { c.Clock = clk }))
	r := newRest(t, e)
	stop := make(chan struct{})
	defer close(stop)
	go func() { // time goes by slowly enough not to end anything by itself
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				clk.Advance(5 * time.Millisecond)
			}
		}
	}()
	disk := r.disk("d", "raw", 1<<20)
	path, url := r.transfer(disk, "upload", "raw", "")
	clk.Advance(59 * time.Second)
	if a := r.image("PUT", url, bytesOf(4096)); a.status != 200 {
		t.Fatalf("PUT within the limit: %d", a.status)
	}
	clk.Advance(59 * time.Second)
	if p := r.do("GET", path, "").text("phase"); p != "transferring" {
		t.Errorf("phase is %s, although there was activity", p)
	}
	clk.Advance(2 * time.Minute)
	r.phase(path, "paused_system")
	if a := r.image("PUT", url, bytesOf(4096)); a.status != 403 {
		t.Errorf("PUT while paused: %d", a.status)
	}
	r.ok("POST", path+"/resume", action)
	r.phase(path, "transferring")
	if a := r.image("PUT", url, bytesOf(4096)); a.status != 200 {
		t.Errorf("PUT after resume: %d", a.status)
	}
}

func TestSlowTransfer(t *testing.T) {
	e := enginetest.Start(t, enginetest.With(engine.Fault{
		Kind: fault.SlowTransfer, Path: "/images/*", Count: -1, BytesPerSecond: 1 << 20,
	}))
	r := newRest(t, e)
	disk := r.disk("d", "raw", 1<<20)
	_, url := r.transfer(disk, "upload", "raw", "")
	start := time.Now()
	if a := r.image("PUT", url, bytesOf(512<<10)); a.status != 200 {
		t.Fatalf("PUT: %d", a.status)
	}
	if took := time.Since(start); took < 400*time.Millisecond {
		t.Errorf("half a MiB at one MiB/s took %v", took)
	}
}

func TestShortUpload(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	disk := r.disk("d", "raw", 1<<20)
	_, url := r.transfer(disk, "upload", "raw", "")
	req, _ := http.NewRequestWithContext(t.Context(), "PUT", url, io.LimitReader(strings.NewReader("only ten b"), 10))
	req.ContentLength = 1000
	if a, err := r.try(req); err == nil && a.status == 200 {
		t.Error("10 of 1000 bytes were enough")
	}
}
