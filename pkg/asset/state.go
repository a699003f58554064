package asset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// StateName is the file that remembers every asset. It holds every secret.
const StateName = ".openshift_install_state.json"

const stateVersion = 1

// state is the content of the state file.
type state struct {
	Version int `json:"okdInstallState"`
	// Started is when machines were first started from these assets.
	Started *time.Time         `json:"started,omitempty"`
	Assets  map[string]*record `json:"assets"`
}

// record is what is remembered of one asset.
type record struct {
	Digest string            `json:"digest"`           // of the value
	Inputs map[string]string `json:"inputs,omitempty"` // digest of every input when the value was computed
	Value  json.RawMessage   `json:"value,omitempty"`
	// Files are the files on disk as the last run left or accepted them.
	Files map[string]written `json:"files,omitempty"`
	// Edited says how files differ from what was generated, because the user
	// wanted so.
	Edited map[string]edit `json:"edited,omitempty"`
}

type written struct {
	SHA256 string `json:"sha256"`
	// Previous is the digest that the file had before, while it is not yet
	// certain that the new content reached the disk.
	Previous string `json:"previous,omitempty"`
}

func readState(dir string) (*state, error) {
	path := filepath.Join(dir, StateName)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &state{Version: stateVersion, Assets: map[string]*record{}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	st := &state{}
	if err := json.Unmarshal(raw, st); err != nil || st.Version != stateVersion {
		return nil, &ForeignStateError{Path: path}
	}
	if st.Assets == nil {
		st.Assets = map[string]*record{}
	}
	return st, nil
}

// saver writes the state in the background, one version after the other. While
// one is on its way to the disk, changes gather for the next.
type saver struct {
	path string
	mu   sync.Mutex // guards st and pending
	st   *state
	// pending says that st has changes which no save has picked up yet.
	pending bool
	wake    chan struct{}
	done    chan struct{}
	saving  sync.Mutex // held by whoever writes the file; guards err
	err     error
}

func startSaver(dir string, st *state) *saver {
	s := &saver{path: filepath.Join(dir, StateName), st: st, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for range s.wake {
			_ = s.flush() // kept in err, which the caller's own flush returns
		}
	}()
	return s
}

// change applies f to the state and has it saved soon.
func (s *saver) change(f func(*state)) {
	s.mu.Lock()
	f(s.st)
	s.pending = true
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // a save that has not begun will see the change
	}
}

// view calls f with the state, which f must not change.
func (s *saver) view(f func(*state)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.st)
}

// flush returns when every change made so far is on disk. After a failed save
// it tries again.
func (s *saver) flush() error {
	s.saving.Lock()
	defer s.saving.Unlock()
	s.mu.Lock()
	if !s.pending && s.err == nil {
		s.mu.Unlock()
		return nil
	}
	s.pending = false
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	s.err = enc.Encode(s.st)
	s.mu.Unlock()
	if s.err == nil {
		s.err = WriteFile(s.path, buf.Bytes(), SecretMode)
	}
	if s.err != nil {
		return fmt.Errorf("save state: %w", s.err)
	}
	return nil
}

// close saves what is left.
func (s *saver) close() error {
	close(s.wake)
	<-s.done
	return s.flush()
}
