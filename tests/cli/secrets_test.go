package cli

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/okd-install/okd-install/tests/internal/leaks"
)

// secretsOf returns all secrets of a run in dir: the passwords of this world, and every
// key and password in the state.
func secretsOf(dir string) (leaks.Secrets, error) {
	secrets := leaks.Secrets{
		"engine password":   enginePassword,
		"registry password": registryPassword,
		"registry login":    base64.StdEncoding.EncodeToString([]byte("okd:" + registryPassword)),
	}
	return secrets, secrets.Add(dir)
}

// noSecrets checks that files, directories of files, stdout and stderr contain no secret
// of a run: nosecrets DIR FILE...
func noSecrets(ts *testscript.TestScript, _ bool, args []string) {
	secrets, err := secretsOf(ts.MkAbs(args[0]))
	ts.Check(err)
	check := func(file string) error {
		if name := secrets.In(ts.ReadFile(file)); name != "" {
			return fmt.Errorf("%s shows %s", file, name)
		}
		return nil
	}
	for _, file := range args[1:] {
		info, err := os.Stat(ts.MkAbs(file))
		if err != nil || !info.IsDir() { // stdout and stderr are not files
			ts.Check(check(file))
			continue
		}
		ts.Check(filepath.WalkDir(ts.MkAbs(file), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return check(path)
		}))
	}
}

// private checks that there are files with secrets in them, and that only their owner
// can read these: private DIR
func private(ts *testscript.TestScript, _ bool, args []string) {
	root := ts.MkAbs(args[0])
	secrets, err := secretsOf(root)
	ts.Check(err)
	if len(secrets) < 5 {
		ts.Fatalf("found only %d secrets in the state", len(secrets))
	}
	found, err := secrets.Private(root)
	ts.Check(err)
	if found == 0 {
		ts.Fatalf("no file with a secret in %s", args[0])
	}
}
