package ign

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/coreos/ignition/v2/config/v3_1"
	"github.com/coreos/ignition/v2/config/v3_2"
	"github.com/coreos/ignition/v2/config/v3_3"
	"github.com/coreos/ignition/v2/config/v3_4"
	"github.com/coreos/ignition/v2/config/v3_5"
	"github.com/coreos/vcontext/report"
)

// Serve writes cfg in the given spec. What the spec lacks is an error: a dropped
// disk or key would leave a machine that nobody asked for.
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
	validate, ok := validators[v]
	if !ok {
		return nil, fmt.Errorf("convert config to spec %s: no such spec", v)
	}
	if err := validate(raw); err != nil {
		return nil, fmt.Errorf("convert config to spec %s: %w", v, err)
	}
	return raw, nil
}

// validators parse with the library of exactly one spec.
var validators = map[Version]func([]byte) error{
	{3, 1}: validator(v3_1.Parse), {3, 2}: validator(v3_2.Parse), {3, 3}: validator(v3_3.Parse),
	{3, 4}: validator(v3_4.Parse), {3, 5}: validator(v3_5.Parse),
}

// validator decodes strictly first: the libraries only warn about unknown keys.
func validator[C any](parse func([]byte) (C, report.Report, error)) func([]byte) error {
	return func(raw []byte) error {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(new(C)); err != nil {
			return err
		}
		if _, rep, err := parse(raw); err != nil {
			return fmt.Errorf("%w: %s", err, rep.String())
		}
		return nil
	}
}
