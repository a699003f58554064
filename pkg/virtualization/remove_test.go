package virtualization_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/virtualization/stacktest"
)

// deployed is a cluster with the stack, and what it had before.
func deployed(t *testing.T) (s *stacktest.Stack, before []string) {
	t.Helper()
	s = stacktest.New(t, stacktest.Faults{})
	before = s.Paths()
	d, heard := deployer(t, s)
	if err := d.Deploy(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(heard.lines, "\n"))
	}
	return s, before
}

func TestRemove(t *testing.T) {
	s, before := deployed(t)
	d, heard := deployer(t, s)
	if err := d.Remove(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(heard.lines, "\n"))
	}
	if after := s.Paths(); !slices.Equal(before, after) {
		t.Errorf("before:\n%s\nafter:\n%s\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"),
			strings.Join(heard.lines, "\n"))
	}
	if err := d.Remove(t.Context()); err != nil {
		t.Errorf("again: %v", err)
	}
}

// A removal that was killed anywhere goes on.
func TestRemoveGoesOn(t *testing.T) {
	for after := 1; ; after += 2 {
		s, before := deployed(t)
		d, _ := deployer(t, s)
		ctx, kill := context.WithCancel(t.Context())
		pauses := 0
		d.Clock.(*stacktest.Clock).Before = func(time.Time) {
			if pauses++; pauses == after {
				kill()
			}
		}
		err := d.Remove(ctx)
		kill()
		if err == nil {
			if after < 3 {
				t.Fatalf("only %d pauses", after)
			}
			return
		}
		d, heard := deployer(t, s)
		if err := d.Remove(t.Context()); err != nil {
			t.Fatalf("after a kill at %d: %v\n%s", after, err, strings.Join(heard.lines, "\n"))
		}
		if left := s.Paths(); !slices.Equal(before, left) {
			t.Fatalf("after a kill at %d:\n%s", after, strings.Join(left, "\n"))
		}
	}
}

func TestRemoveRefuses(t *testing.T) {
	for name, kind := range map[string]string{
		"VirtualMachine default/a":         "apiVersion: kubevirt.io/v1, kind: VirtualMachine",
		"VirtualMachineInstance default/a": "apiVersion: kubevirt.io/v1, kind: VirtualMachineInstance",
		"DataVolume default/a":             "apiVersion: cdi.kubevirt.io/v1beta1, kind: DataVolume",
	} {
		s, _ := deployed(t)
		s.Put("{" + kind + ", metadata: {name: a, namespace: default}}")
		s.Writes()
		d, _ := deployer(t, s)
		err := d.Remove(t.Context())
		if err == nil || exit.Code(err) != exit.Unproved || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if w := s.Writes(); len(w) > 0 {
			t.Errorf("%s: it wrote %v", name, w)
		}
	}
	s, _ := deployed(t)
	s.Down(true)
	d, _ := deployer(t, s)
	if err := d.Remove(t.Context()); exit.Code(err) != exit.Unproved {
		t.Errorf("without an answer: %v", err)
	}
}

// What somebody else has made stays, without what we have set in it.
func TestOthersStay(t *testing.T) {
	s := stacktest.New(t, stacktest.Faults{})
	class := s.Put("{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: hostpath-csi, labels: {a: b}}, " +
		"provisioner: kubevirt.io.hostpath-provisioner}")
	space := s.Put("{apiVersion: v1, kind: Namespace, metadata: {name: " + ns + "}}")
	definition := s.Put(`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name:
		kubevirts.kubevirt.io}, spec: {group: kubevirt.io, scope: Namespaced, names: {kind: KubeVirt, plural: kubevirts},
		versions: [{name: v1, served: true}]}, status: {conditions: [{type: Established, status: "True"}]}}`)
	d, heard := deployer(t, s)
	if err := d.Deploy(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(heard.lines, "\n"))
	}
	annotations, _ := s.Get(class)["metadata"].(map[string]any)["annotations"].(map[string]any)
	if annotations["storageclass.kubevirt.io/is-default-virt-class"] != "true" {
		t.Error("the class was not made the default")
	}
	d, heard = deployer(t, s)
	if err := d.Remove(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(heard.lines, "\n"))
	}
	for _, p := range []string{class, space, definition} {
		if s.Get(p) == nil {
			t.Errorf("%s is gone", p)
		}
	}
	meta, _ := s.Get(class)["metadata"].(map[string]any)
	if meta["annotations"] != nil || meta["labels"].(map[string]any)["a"] != "b" {
		t.Errorf("the class is not as before: %v", meta)
	}
}

// A field that somebody else has set to something else is not taken over.
func TestConflict(t *testing.T) {
	s := stacktest.New(t, stacktest.Faults{})
	s.Put("{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: hostpath-csi, annotations: " +
		"{storageclass.kubevirt.io/is-default-virt-class: 'false'}}, provisioner: kubevirt.io.hostpath-provisioner}")
	d, _ := deployer(t, s)
	err := d.Deploy(t.Context())
	if err == nil || !strings.Contains(err.Error(), "others have set the same fields") ||
		!strings.Contains(err.Error(), "is-default-virt-class") {
		t.Errorf("%v", err)
	}
}
