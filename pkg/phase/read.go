package phase

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/okd-install/okd-install/pkg/event"
)

// maxJournal bounds what is read of a journal, in bytes. Fifty failed runs with long errors have some hundred KiB.
const maxJournal = 32 << 20

// ReadJournal returns the runs recorded in dir, oldest first. With an error it returns those that could be read
// before the place that could not: a journal that was cut off still knows which cluster was destroyed.
func ReadJournal(dir string) ([]Run, error) {
	path := filepath.Join(dir, JournalName)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	defer f.Close()
	runs, err := DecodeJournal(f)
	if err != nil {
		return runs, fmt.Errorf("read journal %s: %w", path, err)
	}
	return runs, nil
}

// LastDestroyed is the cluster that was destroyed last in runs, the zero value if none was.
func LastDestroyed(runs []Run) (last Cluster) {
	for _, r := range runs {
		if r.Destroyed && r.Cluster != nil {
			last = *r.Cluster
		}
	}
	return last
}

// SinceDestroyed are the runs after the last that destroyed a cluster: those for the cluster that is there now.
func SinceDestroyed(runs []Run) []Run {
	first := 0
	for i, r := range runs {
		if r.Destroyed {
			first = i + 1
		}
	}
	return runs[first:]
}

// DecodeJournal reads {"runs": [...]}. With an error it returns the runs before the place that could not be read.
func DecodeJournal(r io.Reader) (runs []Run, err error) {
	dec := json.NewDecoder(io.LimitReader(r, maxJournal))
	for _, want := range []json.Token{json.Delim('{'), "runs", json.Delim('[')} {
		got, err := token(dec)
		if err != nil {
			return nil, err
		}
		if got == nil && want == json.Delim('[') {
			return nil, nil // no runs yet
		}
		if got != want {
			return nil, fmt.Errorf("it has %v where %v should be", got, want)
		}
	}
	for dec.More() {
		var run Run
		if err := dec.Decode(&run); err != nil {
			return runs, cutOff(err)
		}
		run.upgrade()
		runs = append(runs, run)
	}
	_, err = token(dec)
	return runs, err
}

// upgrade reads what older versions had in prose: "destroyed demo-x7k2p", and later "destroyed demo-x7k2p on none".
func (r *Run) upgrade() {
	if r.Destroyed {
		return
	}
	for _, n := range r.Notes {
		if text, is := strings.CutPrefix(n.Message, "destroyed "); is && n.Phase == "" {
			id, platform, _ := strings.Cut(text, " on ")
			r.Cluster, r.Destroyed = &Cluster{InfraID: id, Platform: platform}, true
		}
	}
}

func token(dec *json.Decoder) (json.Token, error) {
	t, err := dec.Token()
	return t, cutOff(err)
}

// cutOff says in plain words what the decoder calls an unexpected EOF.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is cut off")
	}
	return err
}

// putAside moves a journal that cannot be read out of the way, so that nothing overwrites what may still be of use in
// it. It returns where to record from now on: nowhere, if it cannot be moved.
func putAside(path string, why error, k Keeping) string {
	aside := path + ".unreadable-" + k.Now().UTC().Format("20060102T150405.000Z")
	if err := os.Rename(path, aside); err != nil {
		event.Warn(k.Sink, fmt.Sprintf("%v. It cannot be put aside either (%v): this run is not recorded", why, err))
		return ""
	}
	event.Warn(k.Sink, fmt.Sprintf("%v. It was put aside as %s; the history goes on with what could be read", why,
		aside))
	return path
}
