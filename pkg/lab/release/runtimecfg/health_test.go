package runtimecfg

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestProbe(t *testing.T) {
	code, delay := 200, time.Duration(0)
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(delay)
		w.WriteHeader(code)
	}))
	p := NewProbe(200 * time.Millisecond)
	if !p.OK(t.Context(), srv.URL) {
		t.Error("200 is not good")
	}
	code = 500
	if p.OK(t.Context(), srv.URL) {
		t.Error("500 is good")
	}
	code, delay = 200, 400*time.Millisecond
	if p.OK(t.Context(), srv.URL) {
		t.Error("a late answer is good")
	}
	srv.Close()
	if p.OK(t.Context(), srv.URL) {
		t.Error("no server is good")
	}
}

func TestDebounce(t *testing.T) {
	d := Debounce{}
	for i, c := range []struct{ answer, state bool }{
		{true, false}, {true, false}, {false, false}, // two are not enough, and do not count later
		{true, false}, {true, false}, {true, true},
		{false, true}, {true, true}, {false, true}, {false, false},
	} {
		if got := d.Add(c.answer); got != c.state {
			t.Errorf("answer %d: %v, want %v", i, got, c.state)
		}
	}
}
