package iso

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/okd-install/okd-install/pkg/exit"
)

// In the configuration of a boot loader the arguments end with a line feed; a comment fills the rest of the area.
const (
	defaultPad = "#"
	defaultEnd = "\n"
)

var errNoKargs = errors.New("the kernel arguments of this ISO image cannot be changed")

// kargArea is one place of the kernel arguments.
type kargArea struct {
	Area
	pad, end byte
}

// Kargs returns the kernel arguments, which are the same for every boot loader.
func (i *Image) Kargs() (string, error) {
	areas, _, err := i.kargsAreas()
	if err != nil {
		return "", err
	}
	first := ""
	for n, a := range areas {
		if err := a.check(i.size, maxKargs); err != nil {
			return "", fmt.Errorf("area for kernel arguments: %w", err)
		}
		text, err := i.readKargs(a)
		if err != nil {
			return "", err
		}
		if n == 0 {
			first = text
		} else if text != first {
			return "", exit.New("`coreos iso kargs reset` restores the default in all of them",
				"the kernel arguments in %s (%q) and in %s (%q) differ", areas[0], first, a, text)
		}
	}
	return first, nil
}

// DefaultKargs returns the kernel arguments that the image was made with.
func (i *Image) DefaultKargs() (string, error) {
	_, byDefault, err := i.kargsAreas()
	return strings.TrimSpace(byDefault), err
}

// SetKargs replaces the kernel arguments for every boot loader.
func (i *Image) SetKargs(text string) error {
	areas, _, err := i.kargsAreas()
	if err != nil {
		return err
	}
	if at := strings.IndexFunc(text, unicode.IsControl); at >= 0 {
		return fmt.Errorf("the kernel arguments have the control character %q, which would end the line", text[at])
	}
	for _, a := range areas {
		if err := a.check(i.size, maxKargs); err != nil {
			return fmt.Errorf("area for kernel arguments: %w", err)
		}
		if err := i.checkWrite(a.Area); err != nil {
			return fmt.Errorf("area for kernel arguments: %w", err)
		}
		if room := a.Length - 1; int64(len(text)) > room {
			return exit.New("leave some out", "the kernel arguments have %d bytes, and %s has room for %d", len(text), a,
				room)
		}
		i.replace(patch{a.Area, []Part{Bytes(append([]byte(text), a.end))}, a.pad})
	}
	return nil
}

// ResetKargs restores the default kernel arguments.
func (i *Image) ResetKargs() error {
	text, err := i.DefaultKargs()
	if err != nil {
		return err
	}
	return i.SetKargs(text)
}

func (i *Image) readKargs(a kargArea) (string, error) {
	raw, err := i.read(a.Area)
	if err != nil {
		return "", err
	}
	raw = bytes.TrimRight(raw, string(a.pad))
	text := strings.TrimSpace(string(bytes.TrimSuffix(raw, []byte{a.end})))
	if strings.ContainsFunc(text, unicode.IsControl) {
		return "", exit.New("`coreos iso kargs reset` restores the default",
			"%s has no kernel arguments where they should be, at byte %d of the ISO image", a, a.Offset)
	}
	return text, nil
}

// KargsChange is a change of kernel arguments. Arguments are compared as a whole.
type KargsChange struct {
	Delete  []string
	Append  []string
	Replace []string // KEY=OLD=NEW
}

// Apply deletes, appends and replaces, in this order. Unmatched are the changes that found no argument.
func (c KargsChange) Apply(current string) (changed string, unmatched []string, err error) {
	list := arguments(current)
	for _, arg := range c.Delete {
		before := len(list)
		list = slices.DeleteFunc(list, func(a string) bool { return a == arg })
		if len(list) == before {
			unmatched = append(unmatched, arg)
		}
	}
	for _, arg := range c.Append {
		if strings.TrimSpace(arg) == "" {
			return "", nil, errors.New("an argument to append is empty")
		}
		list = append(list, arguments(arg)...)
	}
	for _, r := range c.Replace {
		parts := strings.Split(r, "=")
		if len(parts) != 3 || parts[0] == "" {
			return "", nil, exit.New("use --delete and --append for a value that has a = itself",
				"%q is not of the form KEY=OLD=NEW", r)
		}
		before, after := parts[0]+"="+parts[1], parts[0]+"="+parts[2]
		if !slices.Contains(list, before) {
			unmatched = append(unmatched, before)
		}
		for n := range list {
			if list[n] == before {
				list[n] = after
			}
		}
	}
	return strings.Join(list, " "), unmatched, nil
}

// arguments splits at white space outside of double quotes, like the kernel.
func arguments(text string) []string {
	quoted := false
	return strings.FieldsFunc(text, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && unicode.IsSpace(r)
	})
}
