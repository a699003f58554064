package cli

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// secretsOf are all secrets that a run in dir had to do with: the passwords of
// this world, and every key and password in the state.
func secretsOf(dir string) (map[string]string, error) {
	secrets := map[string]string{
		"engine password":   enginePassword,
		"registry password": registryPassword,
		"registry login":    base64.StdEncoding.EncodeToString([]byte("okd:" + registryPassword)),
	}
	data, err := os.ReadFile(filepath.Join(dir, ".openshift_install_state.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return secrets, nil
	}
	if err != nil {
		return nil, err
	}
	var state any
	if err := json.Unmarshal(data, &state); err != nil {
		return nil, err
	}
	collect(state, "state", secrets)
	return secrets, nil
}

// collect walks through values, and through what is encoded in them.
func collect(value any, at string, into map[string]string) {
	switch v := value.(type) {
	case map[string]any:
		for key, x := range v {
			if text, is := x.(string); is && key == "password" && text != "" {
				into[at+"."+key] = text
			}
			collect(x, at+"."+key, into)
		}
	case []any:
		for i, x := range v {
			collect(x, fmt.Sprintf("%s[%d]", at, i), into)
		}
	case string:
		if decoded, err := base64.StdEncoding.DecodeString(v); err == nil && len(decoded) > 16 {
			collect(string(decoded), at, into)
		}
		collectKeys(v, at, into)
	}
}

// collectKeys takes a line out of the middle of every private key.
func collectKeys(text, at string, into map[string]string) {
	for {
		_, rest, found := strings.Cut(text, "PRIVATE KEY-----")
		if !found {
			return
		}
		lines := strings.Split(rest, "\n")
		if len(lines) > 4 && len(lines[3]) > 40 {
			into[at+" key "+lines[3][:8]] = lines[3]
		}
		_, text, _ = strings.Cut(rest, "PRIVATE KEY-----") // the end marker
	}
}

// shows says which secret a text contains, plainly or in base64.
func shows(text string, secrets map[string]string) string {
	for name, s := range secrets {
		// Of base64 within base64 only the middle is the same at every offset.
		if strings.Contains(text, s) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(s))) {
			return name
		}
	}
	if strings.Contains(text, "PRIVATE KEY") {
		return "a private key"
	}
	return ""
}

// noSecrets checks that files, or stdout and stderr, show no secret of a run:
// nosecrets DIR FILE...
func noSecrets(ts *testscript.TestScript, _ bool, args []string) {
	secrets, err := secretsOf(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, file := range args[1:] {
		if name := shows(ts.ReadFile(file), secrets); name != "" {
			ts.Fatalf("%s shows %s", file, name)
		}
	}
}

// private checks that only the owner can read files with secrets in them, and
// that there are any: private DIR
func private(ts *testscript.TestScript, _ bool, args []string) {
	root := ts.MkAbs(args[0])
	secrets, err := secretsOf(root)
	ts.Check(err)
	if len(secrets) < 5 {
		ts.Fatalf("found only %d secrets in the state", len(secrets))
	}
	found := 0
	ts.Check(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name := shows(string(data), secrets)
		if name == "" {
			name = shows(unpacked(string(data)), secrets)
		}
		if name == "" {
			return nil
		}
		found++
		if info.Mode().Perm() != 0o600 {
			return fmt.Errorf("%s has %s and mode %s", path, name, info.Mode())
		}
		return nil
	}))
	if found == 0 {
		ts.Fatalf("no file with a secret in %s", args[0])
	}
}

// unpacked decodes every word of a text that may be base64.
func unpacked(text string) string {
	var out strings.Builder
	for _, word := range strings.FieldsFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '+' || r == '/' || r == '=')
	}) {
		if data, err := base64.StdEncoding.DecodeString(word); err == nil {
			out.Write(data)
			out.WriteByte('\n')
		}
	}
	return out.String()
}
