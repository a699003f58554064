package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Flags of the kill suite: go test ./tests/cli -run Kill -kills 200
var (
	kills    = flag.Int("kills", 0, "how many runs to kill at a random moment (default 25, with -short 5)")
	killSeed = flag.Uint64("kill-seed", 1, "seed of the random moments")
)

const (
	stateFile   = ".openshift_install_state.json"
	mine        = "# edited by hand\n"
	testRelease = "registry.test/okd/release@sha256:0000000000000000000000000000000000000000000000000000000000000000"
)

// ofEveryRun are the files that differ from run to run.
var ofEveryRun = []string{".openshift_install.lock", ".openshift_install.log", ".okd_install_journal.json"}

// files are the contents of a directory by name, except ofEveryRun.
type files map[string]string

// assetDir is a directory in which the program runs.
type assetDir struct {
	t    *testing.T
	path string
}

func (d assetDir) command(args string) *exec.Cmd {
	cmd := exec.Command(program, append(strings.Fields(args), "--dir", d.path)...)
	cmd.Env = []string{"HOME=" + d.path, "OPENSHIFT_INSTALL_RELEASE_IMAGE_OVERRIDE=" + testRelease}
	return cmd
}

func (d assetDir) run(args string) {
	d.t.Helper()
	if out, err := d.command(args).CombinedOutput(); err != nil {
		d.t.Fatalf("%s: %v\n%s", args, err, out)
	}
}

func (d assetDir) write(name, text string) {
	d.t.Helper()
	path := filepath.Join(d.path, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		d.t.Fatal(err)
	}
}

func (d assetDir) copy() assetDir {
	d.t.Helper()
	to := assetDir{d.t, d.t.TempDir()}
	if err := os.CopyFS(to.path, os.DirFS(d.path)); err != nil {
		d.t.Fatal(err)
	}
	return to
}

func (d assetDir) files() files {
	d.t.Helper()
	out := files{}
	err := filepath.WalkDir(d.path, func(path string, e fs.DirEntry, err error) error {
		name := e.Name()
		if err != nil || e.IsDir() || slices.Contains(ofEveryRun, name) {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(d.path, path)
		out[rel] = string(data)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// drawn returns the values in the state that were drawn at random.
func (f files) drawn(t *testing.T) map[string]string {
	t.Helper()
	if f[stateFile] == "" {
		return nil
	}
	var st struct {
		Assets, Drafts map[string]struct {
			Value json.RawMessage `json:"value"`
		}
	}
	if err := json.Unmarshal([]byte(f[stateFile]), &st); err != nil {
		t.Fatalf("the state is damaged: %v", err)
	}
	out := map[string]string{}
	for name, rec := range st.Assets {
		out[name] = string(rec.Value)
	}
	for name, rec := range st.Drafts {
		out[name] = string(rec.Value)
	}
	maps.DeleteFunc(out, func(name, _ string) bool {
		return !strings.HasPrefix(name, "tls/") &&
			!slices.Contains([]string{"infra-id", "cluster-id", "kubeadmin-password", "bootstrap-ssh"}, name)
	})
	return out
}

// A killScene is a directory in some state, and the command that is killed there.
type killScene struct {
	name    string
	command string
	// A cold scene draws keys, so that no two runs of it end the same.
	cold bool
	set  func(d assetDir)
	// kept is a file of the user, which must not be replaced.
	kept string
}

const (
	scheduler = "manifests/cluster-scheduler-02-config.yml"
	added     = "openshift/99-added.yaml"
)

func (d assetDir) config(change ...string) {
	w := &world{net: [2]byte{1, 1}, registry: "registry.test"}
	text := w.installConfig("1", "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002")
	d.write("install-config.yaml", strings.NewReplacer(change...).Replace(text))
}

func (d assetDir) warm() {
	d.config()
	d.write(stateFile, string(warm))
}

func (d assetDir) settled() {
	d.warm()
	d.run("create manifests")
	d.run("create ignition-configs")
}

var otherHosts = []string{"hostPrefix: 24", "hostPrefix: 25"}

var killScenes = []killScene{
	{name: "from nothing", command: "create ignition-configs", cold: true, set: func(d assetDir) { d.config() }},
	{name: "manifests", command: "create manifests", set: assetDir.warm},
	{name: "ignition configs", command: "create ignition-configs", set: assetDir.warm},
	{name: "nothing to do", command: "create ignition-configs", set: assetDir.settled},
	{name: "input changed", command: "create ignition-configs", set: func(d assetDir) {
		d.settled()
		d.config(otherHosts...)
	}},
	{name: "edited", command: "create ignition-configs", kept: scheduler, set: func(d assetDir) {
		d.settled()
		d.write(scheduler, mine)
	}},
	{name: "added, input changed", command: "create manifests", kept: added, set: func(d assetDir) {
		d.settled()
		d.write(added, mine)
		d.config(otherHosts...)
	}},
	{name: "both, keep", command: "create manifests --keep-edited", kept: scheduler, set: func(d assetDir) {
		d.settled()
		d.write(scheduler, mine)
		d.config(otherHosts...)
	}},
	{name: "new names", command: "create ignition-configs", cold: true, set: func(d assetDir) {
		d.settled()
		d.config("cli.test", "new.cli.test")
	}},
}

// prepared is a scene before and after a run that is not killed.
type prepared struct {
	killScene
	dir           assetDir
	before, after files
	took          time.Duration
}

// TestKill kills runs at random moments, up to three in a row. All files that are left
// are complete, no edit is lost, and the next run ends as if nothing had happened.
func TestKill(t *testing.T) {
	n := *kills
	switch {
	case n > 0:
	case testing.Short():
		n = 5
	default:
		n = 25
	}
	var scenes []func() prepared
	for _, s := range killScenes {
		scenes = append(scenes, sync.OnceValue(func() prepared {
			p := prepared{killScene: s, dir: assetDir{t, t.TempDir()}}
			s.set(p.dir)
			p.before = p.dir.files()
			done := p.dir.copy()
			start := time.Now()
			done.run(s.command)
			p.took = time.Since(start)
			p.after = done.files()
			return p
		}))
	}
	var early, late int
	for i := range n {
		r := rand.New(rand.NewPCG(*killSeed, uint64(i)))
		p := scenes[(i+int(*killSeed))%len(scenes)]()
		t.Run(fmt.Sprintf("%d %s", i, p.name), func(t *testing.T) {
			d := assetDir{t, p.dir.path}.copy()
			d.t = t
			left := p.before
			for range 1 + r.IntN(3) {
				left = p.kill(d, left, r)
			}
			if maps.Equal(left, p.before) {
				early++
			} else {
				late++
			}
			p.finish(d, left)
		})
	}
	t.Logf("%d runs killed (seed %d): %d before they wrote anything, %d after", n, *killSeed, early, late)
}

// kill runs the command, kills it and returns the files that are left.
func (p prepared) kill(d assetDir, before files, r *rand.Rand) files {
	d.t.Helper()
	cmd := d.command(p.command)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	p.moment(d, r)
	_ = cmd.Process.Kill()
	if err := cmd.Wait(); err != nil && cmd.ProcessState.Exited() {
		d.t.Fatalf("%v\n%s", err, &said)
	}
	left := d.files()
	left.drawn(d.t)
	for name, text := range left {
		if name == stateFile || strings.HasPrefix(filepath.Base(name), ".okd_install_tmp-") {
			continue
		}
		old, was := before[name]
		if fresh, is := p.after[name]; (!was || text != old) && (!is || text != fresh) && !p.cold {
			d.t.Errorf("%s is neither the old file nor the new one", name)
		}
	}
	for name := range before {
		if _, there := left[name]; !there && !strings.Contains(name, ".okd_install_tmp-") {
			d.t.Errorf("%s is gone", name)
		}
	}
	return left
}

// moment waits until it is time to kill: half of the time at any moment of the run,
// else shortly after it began to write.
func (p prepared) moment(d assetDir, r *rand.Rand) {
	if r.IntN(2) == 0 {
		time.Sleep(time.Duration(r.Float64() * float64(p.took) * 1.2))
		return
	}
	for until := time.Now().Add(2 * p.took); time.Now().Before(until); time.Sleep(200 * time.Microsecond) {
		if found, _ := filepath.Glob(filepath.Join(d.path, "*", ".okd_install_tmp-*")); len(found) > 0 {
			break
		}
		if found, _ := filepath.Glob(filepath.Join(d.path, ".okd_install_tmp-*")); len(found) > 0 && r.IntN(8) == 0 {
			break
		}
	}
	time.Sleep(time.Duration(r.IntN(8000)) * time.Microsecond)
}

// finish runs the command to its end and checks the result.
func (p prepared) finish(d assetDir, left files) {
	d.t.Helper()
	if p.kept != "" && left[p.kept] != mine {
		d.t.Errorf("%s was replaced", p.kept)
	}
	d.run(p.command)
	got := d.files()
	for name, text := range got {
		if strings.Contains(name, ".okd_install_tmp-") {
			d.t.Errorf("%s is left", name)
		}
		if !p.cold && text != p.after[name] {
			d.t.Errorf("%s differs from that of an undisturbed run", name)
		}
		// What a killed cold run has written is kept by the next one.
		if old, there := left[name]; p.cold && there && name != stateFile && text != old && old != p.before[name] {
			d.t.Errorf("%s was written by the killed run, and changed by the next", name)
		}
	}
	for name := range p.after {
		if _, there := got[name]; !there {
			d.t.Errorf("%s is missing", name)
		}
	}
	now := got.drawn(d.t)
	for name, value := range left.drawn(d.t) {
		if old := p.before.drawn(d.t)[name]; value != old && now[name] != value {
			d.t.Errorf("%s was drawn and is lost", name)
		}
	}
}
