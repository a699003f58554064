package ign

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/coreos/ignition/v2/config/v3_1"
	t31 "github.com/coreos/ignition/v2/config/v3_1/types"
	"github.com/coreos/ignition/v2/config/v3_2"
	t32 "github.com/coreos/ignition/v2/config/v3_2/types"
	"github.com/coreos/ignition/v2/config/v3_3"
	t33 "github.com/coreos/ignition/v2/config/v3_3/types"
	"github.com/coreos/ignition/v2/config/v3_4"
	t34 "github.com/coreos/ignition/v2/config/v3_4/types"
	"github.com/coreos/ignition/v2/config/v3_5"
	t35 "github.com/coreos/ignition/v2/config/v3_5/types"
	"github.com/coreos/vcontext/report"
)

// Serve writes cfg in the given spec. A config that uses what the spec lacks
// is an error: silently dropping a disk or a key would leave a machine that
// nobody asked for.
func Serve(cfg Config, v Version) ([]byte, error) {
	raw, err := Encode(cfg)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, err
	}
	if v == Legacy {
		return legacy(cfg, tree)
	}
	tree["ignition"].(map[string]any)["version"] = v.String()
	if raw, err = json.Marshal(tree); err != nil {
		return nil, err
	}
	if err := validate(raw, v); err != nil {
		return nil, fmt.Errorf("convert config to spec %s: %w", v, err)
	}
	return raw, nil
}

// validate parses with the library of exactly that spec. The libraries only
// warn about unknown keys, so a strict decoding into the types goes first.
func validate(raw []byte, v Version) error {
	switch v {
	case Version{3, 1}:
		_, rep, err := v3_1.Parse(raw)
		return check(raw, new(t31.Config), rep, err)
	case Version{3, 2}:
		_, rep, err := v3_2.Parse(raw)
		return check(raw, new(t32.Config), rep, err)
	case Version{3, 3}:
		_, rep, err := v3_3.Parse(raw)
		return check(raw, new(t33.Config), rep, err)
	case Version{3, 4}:
		_, rep, err := v3_4.Parse(raw)
		return check(raw, new(t34.Config), rep, err)
	case Version{3, 5}:
		_, rep, err := v3_5.Parse(raw)
		return check(raw, new(t35.Config), rep, err)
	}
	return fmt.Errorf("no such spec")
}

func check(raw []byte, into any, rep report.Report, err error) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if strict := d.Decode(into); strict != nil {
		return strict
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, rep.String())
	}
	return nil
}
