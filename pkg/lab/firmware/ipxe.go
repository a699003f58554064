package firmware

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
)

// Script is what a script of iPXE boots.
type Script struct {
	Kernel  string // URL
	Cmdline string
	Initrds []string // URLs, in the order in which they are unpacked
}

const maxScript = 64 << 10

// ParseScript reads a script with the commands kernel, initrd and boot; names in it
// may be relative to where it comes from. What iPXE can do besides, settings above
// all, is refused: nothing is started that is only half understood.
func ParseScript(text []byte, from *url.URL) (Script, error) {
	p := parser{from: from, images: map[string]bool{}}
	lines := strings.Split(string(text), "\n")
	if strings.TrimSpace(lines[0]) != "#!ipxe" {
		return Script{}, errors.New("line 1: it is not a script of iPXE, which begins with #!ipxe")
	}
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := p.line(line); err != nil {
			return Script{}, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	if !p.boots {
		return Script{}, errors.New("it has no command boot")
	}
	return p.out, nil
}

// parser reads a script line by line.
type parser struct {
	from   *url.URL
	images map[string]bool // names by which the kernel's arguments can mean them
	boots  bool
	out    Script
}

func (p *parser) line(line string) error {
	if p.boots {
		return errors.New("there is something after the command boot")
	}
	if strings.Contains(line, "${") {
		return errors.New("settings of iPXE, as in ${net0/mac}, are not supported")
	}
	if i := strings.IndexFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r > '~' }); i >= 0 {
		return fmt.Errorf("character %q", line[i:i+1])
	}
	words := strings.Fields(line)
	switch words[0] {
	case "kernel":
		return p.kernel(words[1:])
	case "initrd":
		rest, err := p.image(words[1:])
		if err == nil && len(rest) > 1 {
			err = fmt.Errorf("an initrd has no arguments, as %q", rest[1])
		}
		if err != nil {
			return fmt.Errorf("initrd: %w", err)
		}
		p.out.Initrds = append(p.out.Initrds, rest[0])
		return nil
	case "boot":
		return p.boot(words[1:])
	}
	return fmt.Errorf("command %q is not supported; kernel, initrd and boot are", words[0])
}

func (p *parser) kernel(words []string) error {
	if p.out.Kernel != "" {
		return errors.New("kernel: there is another one")
	}
	rest, err := p.image(words)
	if err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	p.out.Kernel, p.out.Cmdline = rest[0], strings.Join(rest[1:], " ")
	return nil
}

// image reads options and the URL of a file, and returns the URL and what follows.
func (p *parser) image(words []string) ([]string, error) {
	name := ""
	for len(words) > 0 && strings.HasPrefix(words[0], "-") {
		option, value, given := strings.Cut(words[0], "=")
		words = words[1:]
		if option != "--name" && option != "-n" {
			return nil, fmt.Errorf("option %s is not supported", option)
		}
		if !given {
			if len(words) == 0 {
				return nil, fmt.Errorf("option %s has no value", option)
			}
			value, words = words[0], words[1:]
		}
		name = value
	}
	if len(words) == 0 {
		return nil, errors.New("there is no URL")
	}
	at, err := p.from.Parse(words[0])
	if err != nil {
		return nil, err
	}
	if err := CheckURL(at); err != nil {
		return nil, err
	}
	if name == "" {
		name = path.Base(at.Path)
	}
	p.images[name] = true
	return append([]string{at.String()}, words[1:]...), nil
}

func (p *parser) boot(words []string) error {
	switch {
	case len(words) > 0:
		return errors.New("boot: arguments are not supported")
	case p.out.Kernel == "":
		return errors.New("boot: there is no kernel")
	}
	for arg := range strings.FieldsSeq(p.out.Cmdline) {
		value, found := strings.CutPrefix(arg, "initrd=")
		if !found {
			continue
		}
		for name := range strings.SplitSeq(value, ",") {
			if !p.images[name] {
				return fmt.Errorf("boot: no image has the name in %s", arg)
			}
		}
	}
	p.boots = true
	return nil
}

// CheckURL reports whether the firmware can fetch from a URL.
func CheckURL(at *url.URL) error {
	if at.Scheme != "http" || at.Host == "" {
		return fmt.Errorf("the firmware fetches by HTTP, not from %s", at.Redacted())
	}
	return nil
}
