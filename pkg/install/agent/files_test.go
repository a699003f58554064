package agent

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/exit"
)

// elfFile is the beginning of a program.
func elfFile(t *testing.T, machine elf.Machine, interpreted bool) string {
	t.Helper()
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Ehsize: 64, Phentsize: 56, Phoff: 64, Phnum: 1,
		Shentsize: 64,
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB)
	header.Ident[elf.EI_VERSION] = 1
	prog := elf.Prog64{Type: uint32(elf.PT_LOAD)}
	if interpreted {
		prog.Type = uint32(elf.PT_INTERP)
	}
	var out bytes.Buffer
	for _, part := range []any{header, prog} {
		if err := binary.Write(&out, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestProgram(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, path, arch, fails string }{
		{"amd64", elfFile(t, elf.EM_X86_64, false), "x86_64", ""},
		{"arm64", elfFile(t, elf.EM_AARCH64, false), "aarch64", ""},
		{"another processor", elfFile(t, elf.EM_X86_64, false), "aarch64", "it is for EM_X86_64"},
		{"libraries", elfFile(t, elf.EM_X86_64, true), "x86_64", "it needs libraries"},
		{"a script", text, "x86_64", "is no program for linux"},
		{"nothing", "/none", "x86_64", "no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := program(tt.path, tt.arch)
			if tt.fails == "" {
				if err != nil || got != tt.path {
					t.Errorf("got %s, %v", got, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.fails) || !strings.Contains(exit.Next(err), "--agent-binary") {
				t.Errorf("error %v, next %q", err, exit.Next(err))
			}
		})
	}
}

func TestReplace(t *testing.T) {
	target := filepath.Join(t.TempDir(), "agent.iso")
	write := func(text string) func(string) error {
		return func(name string) error { return os.WriteFile(name, []byte(text), 0o600) }
	}
	for _, text := range []string{"first", "second"} {
		if err := replace(target, write(text)); err != nil {
			t.Fatal(err)
		}
	}
	broken := errors.New("no space left")
	if err := replace(target, func(string) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if data, err := os.ReadFile(target); string(data) != "second" || err != nil {
		t.Errorf("got %q, %v", data, err)
	}
	if list, _ := os.ReadDir(filepath.Dir(target)); len(list) != 1 {
		t.Errorf("left behind %v", list)
	}
}

func TestExchange(t *testing.T) {
	dir := filepath.Join(t.TempDir(), bootDir)
	fill := func(names ...string) func(string) error {
		return func(at string) error {
			for _, name := range names {
				if err := os.WriteFile(filepath.Join(at, name), []byte(strings.Join(names, " ")), 0o600); err != nil {
					return err
				}
			}
			return nil
		}
	}
	if err := exchange(dir, fill("a", "b")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, ".new", "left"), 0o750); err != nil { // by a run that was killed
		t.Fatal(err)
	}
	if err := exchange(dir, fill("b")); err != nil {
		t.Fatal(err)
	}
	if err := exchange(dir, func(at string) error {
		return errors.Join(fill("a")(at), errors.New("no space left"))
	}); err == nil {
		t.Error("no error")
	}
	for name, want := range map[string]string{"a": "a b", "b": "b"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); string(data) != want || err != nil {
			t.Errorf("%s is %q, %v", name, data, err)
		}
	}
	if list, _ := os.ReadDir(dir); len(list) != 2 {
		t.Errorf("left behind %v", list)
	}
}

func TestFromNetwork(t *testing.T) {
	got := fromNetwork("coreos.liveiso=fedora ignition.firstboot  ignition.platform.id=metal", "http://h/rootfs.img")
	if want := "ignition.firstboot ignition.platform.id=metal coreos.live.rootfs_url=http://h/rootfs.img"; got != want {
		t.Errorf("got %q", got)
	}
}
