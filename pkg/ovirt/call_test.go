package ovirt

import (
	"strings"
	"testing"
)

type panicking struct{}

func (panicking) Send() (string, error) { panic("invalid memory address") }

func TestPanicsAreErrors(t *testing.T) {
	done := make(chan outcome[string], 1)
	send(panicking{}, done)
	if o := <-done; o.err == nil || !strings.Contains(o.err.Error(), "cannot read the answer: invalid memory") {
		t.Errorf("got %+v", o)
	}
}
