package analyze

import (
	"bytes"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/records"
)

// evidence is what is known of an installation, under the names of files in a log bundle, wherever it comes from.
type evidence struct {
	files map[string][]byte
	gaps  []string
	taken time.Time // when it was collected
}

// Names of files in a bundle, without its top directory.
const (
	servicesDir     = "bootstrap/services/"
	resourcesDir    = "resources/"
	mastersDir      = "control-plane/"
	journalFile     = "installer/okd_install_journal.json"
	failedUnitsFile = "failed-units.txt"
	missingFile     = "missing.txt"
	answerFile      = "installer/api.json"   // whether the API answered the installer
	sourceFile      = "resources/source.txt" // which kubeconfig of the bootstrap host got the resources
)

// resource returns the list of a kind. openshift-install has other names for some of them.
func (ev *evidence) resource(names ...string) ([]byte, bool) {
	for _, name := range names {
		if raw, ok := ev.files[resourcesDir+name+".json"]; ok && len(raw) > 0 {
			return raw, true
		}
	}
	return nil, false
}

// list decodes a list of objects. Items that do not fit are left out: one odd object must not hide the others.
func list[T any](ev *evidence, names ...string) []T {
	raw, ok := ev.resource(names...)
	if !ok {
		return nil
	}
	var doc struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		ev.gap(resourcesDir + names[0] + ".json is incomplete")
		return nil
	}
	var out []T
	for _, item := range doc.Items {
		var one T
		if json.Unmarshal(item, &one) == nil {
			out = append(out, one)
		}
	}
	return out
}

func (ev *evidence) gap(text string) { ev.gaps = append(ev.gaps, text) }

// runs are those of the installer for the present cluster.
func (ev *evidence) runs() []phase.Run {
	raw, ok := ev.files[journalFile]
	if !ok {
		return nil
	}
	runs, err := phase.DecodeJournal(bytes.NewReader(raw))
	if err != nil {
		ev.gap(journalFile + " is incomplete")
	}
	return phase.SinceDestroyed(runs)
}

// services replays the record files of the bootstrap host.
func (ev *evidence) services() map[string]*records.Service {
	out := map[string]*records.Service{}
	for name, raw := range ev.files {
		file, ok := strings.CutPrefix(name, servicesDir)
		if unit, isJSON := strings.CutSuffix(file, ".json"); ok && isJSON && !strings.Contains(unit, "/") {
			out[unit] = records.Replay(unit, records.Parse(raw))
		}
	}
	return out
}

var unitTypes = []string{".service", ".mount", ".socket", ".target", ".timer", ".device", ".swap"}

// failedUnits are the units that systemd counts as failed on one host. A dot before the name may mark the failure.
func failedUnits(raw []byte) []string {
	var out []string
	for line := range strings.Lines(string(raw)) {
		words := strings.Fields(line)
		i := slices.IndexFunc(words, func(word string) bool { return slices.Contains(unitTypes, path.Ext(word)) })
		if i >= 0 && len(out) < 50 {
			out = append(out, words[i])
		}
	}
	return out
}

// masters are the control-plane hosts that something was gathered from.
func (ev *evidence) masters() []string {
	hosts := map[string]bool{}
	for name := range ev.files {
		if rest, ok := strings.CutPrefix(name, mastersDir); ok {
			host, _, _ := strings.Cut(rest, "/")
			hosts[host] = true
		}
	}
	return slices.Sorted(maps.Keys(hosts))
}
