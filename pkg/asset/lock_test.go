package asset

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/workdir"
)

func TestLock(t *testing.T) {
	w := newWorld(t)
	s, err := Open(w.dir, w.options(Refuse))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(w.dir, w.options(Refuse))
	var locked *workdir.LockedError
	if !errors.As(err, &locked) || locked.Holder.PID != os.Getpid() ||
		!strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("second Open: %v", err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	s, err = Open(w.dir, w.options(Refuse))
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	_ = s.Close()
	l, err := workdir.Take(w.dir, workdir.Holder{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = Open(w.dir, w.options(Refuse)); !errors.As(err, &locked) {
		t.Errorf("Open of a locked directory: %v", err)
	}
	if err := l.Unlock(); err != nil {
		t.Error(err)
	}
}
