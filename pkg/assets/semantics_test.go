package assets_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/platforms"
)

// outcome is what a command does with a file.
type outcome string

const (
	same     outcome = "is reused"
	anew     outcome = "is made anew"
	edited   outcome = "stays as edited"
	conflict outcome = "is left alone, with an error"
)

// semantics is the table in docs/user/asset-directory.md: what happens to a file
// between two runs.
var semantics = []struct {
	inputChanged, outputEdited bool
	refuse, keep, overwrite    outcome
}{
	{false, false, same, same, same},
	{true, false, anew, anew, anew},
	{false, true, edited, edited, edited}, // the flags decide conflicts only
	{true, true, conflict, edited, anew},
}

// outputs are one file of every kind that may be edited, and the command that
// writes it.
var outputs = []struct {
	file   string
	target func(*assets.Installer, context.Context) error
}{
	{"manifests/cluster-infrastructure-02-config.yml", (*assets.Installer).Manifests},
	{"openshift/99_openshift-cluster-api_master-user-data-secret.yaml", (*assets.Installer).Manifests},
	{"bootstrap.ign", (*assets.Installer).IgnitionConfigs},
	{"master.ign", (*assets.Installer).IgnitionConfigs},
	{"worker.ign", (*assets.Installer).IgnitionConfigs},
}

// A change of the API's address changes all of the outputs.
const oldVIP, newVIP = "198.18.0.10", "198.18.0.20"

// settledBase is where settledDirs are. It outlives the first test that needs it.
var settledBase string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if settledBase, err = os.MkdirTemp("", "assets-semantics-"); err != nil {
			panic(err)
		}
		defer os.RemoveAll(settledBase)
		return m.Run()
	}())
}

// settledDirs are two directories with all files: one from before the change of
// the input, one from after it. The state of the first has the keys for the
// second, so that both are comparable byte by byte and no test has to wait.
var settledDirs = sync.OnceValues(func() (dirs [2]string, err error) {
	dirs = [2]string{filepath.Join(settledBase, "before"), filepath.Join(settledBase, "after")}
	config, err := os.ReadFile("testdata/install-config.yaml")
	if err != nil {
		return dirs, err
	}
	state, err := warm()
	if err != nil {
		return dirs, err
	}
	put := func(dir, name string, data []byte) error {
		return errors.Join(os.MkdirAll(dir, 0o750), os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	if err := errors.Join(put(dirs[0], configFile, config), put(dirs[0], asset.StateName, state)); err != nil {
		return dirs, err
	}
	do := func(dir string, steps ...func(*assets.Installer, context.Context) error) error {
		i, err := assets.Open(dir,
			assets.Deps{Platforms: platforms.All().Assets(), Clock: clock.NewFake(t0), ReleaseImage: testImage})
		if err != nil {
			return err
		}
		for _, step := range steps {
			err = errors.Join(err, step(i, context.Background()))
		}
		return errors.Join(err, i.Close())
	}
	plan := func(i *assets.Installer, ctx context.Context) error { _, err := i.Plan(ctx); return err }
	changed := strings.Replace(string(config), oldVIP, newVIP, 1)
	return dirs, errors.Join(
		do(dirs[0], (*assets.Installer).Manifests, (*assets.Installer).IgnitionConfigs),
		put(dirs[0], configFile, []byte(changed)),
		do(dirs[0], plan), // draws keys, and changes nothing else
		os.CopyFS(dirs[1], os.DirFS(dirs[0])),
		do(dirs[1], (*assets.Installer).Manifests, (*assets.Installer).IgnitionConfigs),
		put(dirs[0], configFile, config),
	)
})

func settled(t *testing.T) (before, after map[string][]byte, dir string) {
	t.Helper()
	dirs, err := settledDirs()
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(dirs[0])); err != nil {
		t.Fatal(err)
	}
	return tree(t, dirs[0]), tree(t, dirs[1]), dir
}

func TestSemantics(t *testing.T) {
	for n, out := range outputs {
		if testing.Short() && n%2 == 1 {
			continue
		}
		for _, row := range semantics {
			for policy, want := range []outcome{asset.Refuse: row.refuse, asset.Keep: row.keep, asset.Overwrite: row.overwrite} {
				name := fmt.Sprintf("%s/input changed %v, output edited %v, %s", out.file, row.inputChanged, row.outputEdited,
					[]string{"refuse", "keep", "overwrite"}[policy])
				t.Run(name, func(t *testing.T) {
					before, after, dir := settled(t)
					if row.inputChanged {
						rewrite(t, dir, configFile, oldVIP, newVIP)
					}
					if row.outputEdited {
						edit(t, dir, out.file)
					}
					mine := tree(t, dir)[out.file]
					i := open(t, dir, assets.Deps{Platforms: platforms.All().Assets(), Clock: clock.NewFake(t0),
						ReleaseImage: testImage, Edited: asset.Policy(policy)})
					err := out.target(i, context.Background())
					check(t, err, out.file, want,
						map[outcome][]byte{same: before[out.file], anew: after[out.file], edited: mine, conflict: mine},
						tree(t, dir)[out.file])
				})
			}
		}
	}
}

// edit changes a file in a way that leaves it valid.
func edit(t *testing.T, dir, name string) {
	t.Helper()
	if strings.HasSuffix(name, ".ign") {
		rewrite(t, dir, name, `{"ignition":{`, `{"ignition": {`)
		return
	}
	rewrite(t, dir, name, "metadata:", "# mine\nmetadata:")
}

func check(t *testing.T, err error, file string, want outcome, content map[outcome][]byte, got []byte) {
	t.Helper()
	var refused *asset.ConflictError
	switch {
	case want == conflict && !errors.As(err, &refused):
		t.Fatalf("no conflict: %v", err)
	case want == conflict:
		for _, part := range []string{file, configFile, "--keep-edited", "--overwrite-edited"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not name %s: %v", part, err)
			}
		}
	case err != nil:
		t.Fatal(err)
	}
	if string(got) != string(content[want]) {
		t.Errorf("%s should be as if it %s", file, want)
	}
	if slices.Equal(content[same], content[anew]) {
		t.Errorf("%s does not depend on the input that changes", file)
	}
}

// A conflict leaves the directory as it was, down to the names and keys that
// the refused run drew: taking the change back takes all of it back.
func TestChangeTakenBack(t *testing.T) {
	for _, change := range [][2]string{{"name: demo", "name: other"}, {"baseDomain: ", "baseDomain: x."}} {
		before, _, dir := settled(t)
		edit(t, dir, "manifests/cluster-infrastructure-02-config.yml")
		d := assets.Deps{Platforms: platforms.All().Assets(), Clock: clock.NewFake(t0), ReleaseImage: testImage}
		run := func() error {
			i := open(t, dir, d)
			return errors.Join(i.IgnitionConfigs(context.Background()), i.Close())
		}
		if err := run(); err != nil {
			t.Fatal(err)
		}
		accepted := tree(t, dir)
		rewrite(t, dir, configFile, change[0], change[1])
		var refused *asset.ConflictError
		if err := run(); !errors.As(err, &refused) {
			t.Fatalf("%s: %v", change[1], err)
		}
		rewrite(t, dir, configFile, change[1], change[0])
		if err := run(); err != nil {
			t.Fatalf("%s taken back: %v", change[1], err)
		}
		for name, data := range tree(t, dir) {
			if name != ".openshift_install.lock" && string(data) != string(accepted[name]) {
				t.Errorf("%s: %s has changed", change[1], name)
			}
		}
		if string(accepted["metadata.json"]) != string(before["metadata.json"]) {
			t.Error("the edit of a manifest has changed the cluster's name")
		}
	}
}

// The usual way by hand, with every input left in place.
func TestManifestsIgnitionCluster(t *testing.T) {
	dir := warmDir(t)
	d := assets.Deps{Platforms: platforms.All().Assets(), Clock: clock.NewFake(t0), ReleaseImage: testImage}
	step := func(do func(*assets.Installer, context.Context) error) map[string][]byte {
		t.Helper()
		i := open(t, dir, d) // a process of its own for each command
		if err := errors.Join(do(i, context.Background()), i.Close()); err != nil {
			t.Fatal(err)
		}
		return tree(t, dir)
	}
	step((*assets.Installer).Manifests)
	edit(t, dir, "manifests/cluster-scheduler-02-config.yml")
	step((*assets.Installer).IgnitionConfigs)
	edit(t, dir, "worker.ign")
	mine := tree(t, dir)
	var made assets.Cluster
	final := step(func(i *assets.Installer, ctx context.Context) (err error) { made, err = i.Cluster(ctx); return err })
	for name, data := range mine {
		if strings.HasPrefix(name, ".") || name == "bootstrap.ign" || strings.Contains(name, "worker-user-data") {
			continue // worker.ign is in these
		}
		if string(final[name]) != string(data) {
			t.Errorf("%s has changed or is gone", name)
		}
	}
	host := onBootstrapHost(t, made.Bootstrap)
	if !strings.Contains(host["manifests/cluster-scheduler-02-config.yml"], "# mine") {
		t.Error("the edited manifest does not reach the bootstrap host")
	}
	if string(made.Worker) != string(mine["worker.ign"]) {
		t.Error("the edited worker.ign does not reach the workers")
	}
}

// Without its state a directory is adopted, except for files that hold keys or
// names of another cluster.
func TestManifestsWithoutState(t *testing.T) {
	_, _, dir := settled(t)
	edit(t, dir, "manifests/cluster-scheduler-02-config.yml")
	const mine = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mine, namespace: default}\n"
	if err := os.WriteFile(filepath.Join(dir, "openshift/99-mine.yaml"), []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{asset.StateName, "bootstrap.ign", "master.ign", "worker.ign", "metadata.json", "auth"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	before := tree(t, dir)
	d := assets.Deps{Platforms: platforms.All().Assets(), Clock: clock.NewFake(t0), ReleaseImage: testImage}
	i := open(t, dir, d)
	var refused *asset.ConflictError
	err := i.IgnitionConfigs(context.Background())
	if !errors.As(err, &refused) || !refused.NoState {
		t.Fatalf("got %v", err)
	}
	for _, name := range refused.Files {
		if strings.Contains(name, "scheduler") || strings.Contains(name, "99-mine") {
			t.Errorf("%s could be adopted", name)
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	create := func() error { return i.IgnitionConfigs(context.Background()) }
	for err = create(); errors.As(err, &refused); err = create() {
		for _, name := range refused.Files {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	after := tree(t, dir)
	for _, name := range []string{"manifests/cluster-scheduler-02-config.yml", "openshift/99-mine.yaml",
		"manifests/cluster-network-02-config.yml"} {
		if string(after[name]) != string(before[name]) {
			t.Errorf("%s has changed", name)
		}
	}
	host := onBootstrapHost(t, after["bootstrap.ign"])
	if !strings.Contains(host["manifests/cluster-scheduler-02-config.yml"], "# mine") ||
		host["openshift/99-mine.yaml"] == "" {
		t.Error("the adopted manifest does not reach the bootstrap host")
	}
}
