package asset

import (
	"errors"
	"io/fs"
	"slices"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/workdir"
)

var tSetting = Param[string]("setting")

// What is recorded of a cluster, and the values that it runs with, stay as they were
// when it was started.
func TestPastStays(t *testing.T) {
	w := newWorld(t)
	began := time.Unix(1e9, 0)
	clk := clock.NewFake(began)
	use := func(do func(*Store)) {
		t.Helper()
		s, err := Open(w.dir, Options{Clock: clk})
		if err != nil {
			t.Fatal(err)
		}
		do(s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	setting := func(s *Store, value string) string {
		t.Helper()
		Set(s, tSetting, value)
		r, err := s.Run(t.Context(), []Ref{tManifests}, []Ref{tSetting})
		if err != nil {
			t.Fatal(err)
		}
		return Of(r, tSetting)
	}
	record := func(s *Store) {
		t.Helper()
		if err := errors.Join(s.MarkStarted(), s.Mark("handed-over")); err != nil {
			t.Fatal(err)
		}
	}
	use(func(s *Store) { setting(s, "first") })
	use(func(s *Store) {
		if got := setting(s, "second"); got != "second" {
			t.Errorf("before the start the setting is %q", got)
		}
		record(s)
	})
	clk.Advance(time.Hour)
	use(func(s *Store) {
		record(s)
		if got := setting(s, "third"); got != "second" {
			t.Errorf("after the start the setting is %q", got)
		}
	})
	lock, err := workdir.Take(w.dir, workdir.Holder{})
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(MarkLocked(lock, nil, "handed-over", clk.Now()), MarkLocked(lock, nil, "gone", clk.Now()))
	if err := errors.Join(err, lock.Unlock()); err != nil {
		t.Fatal(err)
	}
	past, err := StoredPast(w.dir, nil)
	if err != nil || !past.Started.Equal(began) || !past.Marks["handed-over"].Equal(began) ||
		!past.Marks["gone"].Equal(began.Add(time.Hour)) {
		t.Errorf("%+v, %v", past, err)
	}
}

// A directory in which no run has succeeded is none of a cluster.
func TestMarkNeedsACluster(t *testing.T) {
	w := newWorld(t)
	w.write("config.yaml", "broken\n")
	if err := w.run(Refuse, false); err == nil {
		t.Fatal("the first run succeeded")
	}
	lock, err := workdir.Take(w.dir, workdir.Holder{})
	if err != nil {
		t.Fatal(err)
	}
	if err := MarkLocked(lock, nil, "gone", time.Unix(1e9, 0)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
}

func TestGeneratedLeavesOutEdits(t *testing.T) {
	w := newWorld(t)
	if err := w.run(Refuse, false); err != nil {
		t.Fatal(err)
	}
	w.write("manifests/a.yaml", "mine\n")
	for _, when := range []string{"before the next run", "after it"} {
		got, err := Generated(w.dir, nil)
		want := []string{"final.txt", "manifests/b.yaml"}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", when, got, err)
		}
		if err := w.run(Refuse, false); err != nil {
			t.Fatal(err)
		}
	}
}

// A save that failed is tried again: nobody is told that a change is on disk before it is.
func TestFailedSaveIsRepeated(t *testing.T) {
	w := newWorld(t)
	s, err := Open(w.dir, w.options(Refuse))
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space")
	fails := true
	s.disk.Step = func(string, string) error {
		if fails {
			return full
		}
		return nil
	}
	if err := s.Mark("done"); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if err := s.saver.flush(); !errors.Is(err, full) {
		t.Errorf("the failure is forgotten: %v", err)
	}
	fails = false
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if past, err := StoredPast(w.dir, nil); err != nil || past.Marks["done"].IsZero() {
		t.Errorf("%+v, %v", past, err)
	}
}
