package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/explain"
)

func explainCommand(r *root) *cobra.Command {
	var schema, recursive bool
	c := &cobra.Command{Use: "explain installconfig|virtualization[.field]...",
		Short: "Describe the fields of install-config.yaml and virtualization.yaml",
		Long: "Describes a field of install-config.yaml or virtualization.yaml and the fields in it: type,\n" +
			"default, allowed values, meaning. A path may be copied from a message: compute[0].replicas\n" +
			"works too. With --schema, prints a JSON Schema, with which editors complete and check the\nfile.",
		Example: `  okd-install explain installconfig
  okd-install explain installconfig.platform.ovirt
  okd-install explain installconfig --recursive
  okd-install explain virtualization.storage
  okd-install explain --schema >install-config.schema.json
  okd-install explain virtualization --schema >virtualization.schema.json`,
		ValidArgsFunction: completeField,
	}
	c.Args = func(c *cobra.Command, args []string) error {
		switch {
		case len(args) > 1:
			return misused(c, fmt.Errorf("one field at a time, but got %d", len(args)))
		case schema && len(args) > 0 && !strings.EqualFold(args[0], explain.Of(args[0]).Resource):
			return misused(c, errors.New("--schema is for the whole file; leave out the field"))
		case !schema && len(args) == 0:
			return explainNext(c, explain.InstallConfig().Resource, errors.New("name what to explain"))
		}
		return nil
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		document := explain.InstallConfig()
		if len(args) > 0 {
			document = explain.Of(args[0])
		}
		if schema {
			_, err := r.streams.out.Write(document.JSONSchema())
			return err
		}
		s, err := document.Load()
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
	c.Flags().BoolVar(&schema, "schema", false, "print a JSON Schema of the file, install-config.yaml if none is named")
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
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	// No space: the next thing to type is most likely a dot.
	return explain.Complete(typed), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
