package leaks

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"testing"
)

func TestInside(t *testing.T) {
	const password = "KRYLK5AWQX3ZHHMJ4WQ7DS2LNE"
	in64 := base64.StdEncoding.EncodeToString
	text := []byte("line\npassword: " + password + "\n")
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":           {data: []byte("KRYLK5AWQX3ZHHMJ4WQ7DS2LNF and " + in64([]byte("something else")))},
		"plain":             {text, "BMC"},
		"basic login":       {[]byte("Authorization: Basic " + in64([]byte("admin:"+password))), "BMC"},
		"file in base64":    {[]byte(`{"source": "data:;base64,` + in64(text) + `"}`), "BMC"},
		"without padding":   {[]byte(base64.RawStdEncoding.EncodeToString(append(text, 'x'))), "BMC"},
		"compressed":        {zipped(t, text), "BMC"},
		"archive":           {zipped(t, archived(t, []byte("x"), zipped(t, text))), "BMC"},
		"archive, encoded":  {[]byte("a: " + in64(zipped(t, []byte(in64(text))))), "BMC"},
		"archive, harmless": {data: zipped(t, archived(t, []byte("x"), zipped(t, []byte("y"))))},
	} {
		if got := (Secrets{"BMC": password}).Inside(tt.data); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func archived(t *testing.T, files ...[]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, data := range files {
		if err := w.WriteHeader(&tar.Header{Name: "file", Mode: 0o600, Size: int64(len(data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
