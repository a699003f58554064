package iso

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// customizations lists what was changed in the ISO.
func (i *Image) customizations() ([]string, error) {
	s, err := i.Inspect()
	if err != nil {
		return nil, err
	}
	list := s.Embedded
	if s.Kargs != s.DefaultKargs {
		list = append(list, "kernel arguments")
	}
	return list, nil
}

// Summary is what can be changed in an image, and what it has now.
type Summary struct {
	Label        string   `json:"label"`
	Ignition     Area     `json:"ignitionArea"`
	Used         int64    `json:"ignitionAreaUsed"`
	Grown        bool     `json:"grown"` // the area was moved to the end of the image
	Embedded     []string `json:"embedded"`
	Network      bool     `json:"networkSettings"`
	KargAreas    []Area   `json:"kernelArgumentAreas"`
	Kargs        string   `json:"kernelArguments"`
	DefaultKargs string   `json:"defaultKernelArguments"`
}

// Inspect returns what is known of the image.
func (i *Image) Inspect() (Summary, error) {
	s := Summary{
		Label: i.volume.Label, Ignition: i.current, Grown: i.undo != nil, Embedded: []string{}, KargAreas: []Area{},
	}
	if err := i.load(); err != nil {
		return s, err
	}
	s.Embedded = append(s.Embedded, i.archive.Names()...)
	s.Used = i.archive.Used()
	var err error
	if s.Network, err = i.networkSupport(); err != nil {
		return s, err
	}
	areas, byDefault, err := i.kargsAreas()
	if errors.Is(err, errNoKargs) {
		return s, nil
	} else if err != nil {
		return s, err
	}
	for _, a := range areas {
		s.KargAreas = append(s.KargAreas, a.Area)
	}
	s.DefaultKargs = strings.TrimSpace(byDefault)
	s.Kargs, err = i.Kargs()
	return s, err
}

// Print writes the summary for people.
func (s Summary) Print(w io.Writer) error {
	embedded := "nothing"
	if len(s.Embedded) > 0 {
		embedded = strings.Join(s.Embedded, ", ")
	}
	kargs := s.Kargs
	switch {
	case len(s.KargAreas) == 0:
		kargs = "cannot be changed"
	case s.Kargs == s.DefaultKargs:
		kargs += " (the default)"
	}
	network := "supported"
	if !s.Network {
		network = "not supported"
	}
	area := s.Ignition.String()
	if s.Grown {
		area += ", which was moved to the end of the image"
	}
	_, err := fmt.Fprintf(w, "label             %s\nembedded          %s\nroom for a config %d of %d bytes used, in %s\n"+
		"network settings  %s\nkernel arguments  %s\n", s.Label, embedded, s.Used, s.Ignition.Length, area,
		network, kargs)
	return err
}
