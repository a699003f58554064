package fetch_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/fetch"
)

func TestGet(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/whole", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("12345")) })
	mux.HandleFunc("/half", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "6")
		_, _ = w.Write([]byte("123"))
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, tt := range []struct {
		path  string
		limit int64
		want  string // of the error
	}{
		{"/whole", 5, ""},
		{"/whole", 4, "more than 4 bytes"},
		{"/half", 5, "unexpected EOF"},
		{"/none", 5, "the server answers 404"},
	} {
		var got bytes.Buffer
		err := fetch.Get(t.Context(), server.Client(), server.URL+tt.path, &got, tt.limit)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s, at most %d: %v, want %q", tt.path, tt.limit, err, tt.want)
		}
		if tt.want == "" && got.String() != "12345" {
			t.Errorf("got %q", got.String())
		}
	}
}
