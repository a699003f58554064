package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/explain"
)

func explainCommand(r *root) *cobra.Command {
	var schema, recursive bool
	c := &cobra.Command{Use: "explain installconfig[.field]...", Short: "Describe the fields of install-config.yaml",
		Long: "Describes a field of install-config.yaml and the fields in it: type, default, allowed\nvalues, " +
			"meaning. A path may be copied from a message: compute[0].replicas works too.\nWith --schema, prints a " +
			"JSON Schema, with which editors complete and check the file.",
		Example: `  okd-install explain installconfig
  okd-install explain installconfig.platform.ovirt
  okd-install explain installconfig --recursive
  okd-install explain --schema >install-config.schema.json`,
		ValidArgsFunction: completeField,
	}
	c.Args = func(c *cobra.Command, args []string) error {
		switch {
		case schema && len(args) > 0:
			return misused(c, errors.New("--schema is for the whole file; leave out the field"))
		case !schema && len(args) == 0:
			return explainNext(c, explain.Resource, errors.New("name what to explain"))
		case len(args) > 1:
			return misused(c, fmt.Errorf("one field at a time, but got %d", len(args)))
		}
		return nil
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if schema {
			_, err := r.streams.out.Write(explain.JSONSchema())
			return err
		}
		s, err := explain.Load()
		if err != nil {
			return err
		}
		field, err := s.Find(args[0])
		if unknown := (*explain.UnknownError)(nil); errors.As(err, &unknown) {
			return explainNext(c, unknown.In, err)
		}
		if err != nil {
			return err
		}
		if recursive {
			return field.PrintTree(r.streams.out)
		}
		return field.Print(r.streams.out)
	}
	c.Flags().BoolVar(&schema, "schema", false, "print a JSON Schema of install-config.yaml")
	c.Flags().BoolVar(&recursive, "recursive", false,
		"print the names and types of all fields below, without their descriptions")
	return c
}

// explainNext adds explain for a path as the next step.
func explainNext(c *cobra.Command, path string, err error) error {
	return exit.With(exit.Other, c.CommandPath()+" "+path, err)
}

// completeField offers the fields one level below what was typed.
func completeField(_ *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	s, err := explain.Load()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	// No space: the next thing to type is most likely a dot.
	return s.Complete(typed), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
