package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// warm is the state of an installation that has its keys, for scripts that are not
// about making them: keys are most of the work of a run.
var warm []byte

// makeWarm has the program make keys for the names that all scripts use, and removes
// from the state that it wrote files.
func makeWarm(dir string) error {
	w := &world{net: [2]byte{1, 1}, registry: "registry.test"}
	text := w.installConfig("1", "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002")
	if err := os.WriteFile(filepath.Join(dir, "install-config.yaml"), []byte(text), 0o600); err != nil {
		return err
	}
	cmd := exec.Command(program, "create", "ignition-configs", "--dir", dir)
	cmd.Env = []string{"HOME=" + dir, "OPENSHIFT_INSTALL_RELEASE_IMAGE_OVERRIDE=" + testRelease}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make keys: %w\n%s", err, out)
	}
	data, err := os.ReadFile(filepath.Join(dir, ".openshift_install_state.json"))
	if err != nil {
		return err
	}
	var state map[string]any
	if err := json.Unmarshal(data, &state); err != nil {
		return err
	}
	assets, ok := state["assets"].(map[string]any)
	if !ok || len(assets) == 0 {
		return fmt.Errorf("the state has no assets")
	}
	for _, a := range assets {
		delete(a.(map[string]any), "files")
	}
	warm, err = json.Marshal(state)
	return err
}
