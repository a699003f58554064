// Package mco holds the programs of the lab release's machine config operator.
package mco

import (
	"context"
	"errors"
	"os"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/bootstrap"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/controller"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/daemon"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/operator"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/osimagestream"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/server"
)

// Operator is machine-config-operator.
func Operator(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "bootstrap":
			return bootstrap.Command(ctx, args[1:])
		case "start":
			return operator.Command(ctx, args[1:])
		}
	}
	return errors.New("parse arguments: want machine-config-operator bootstrap|start")
}

// Controller is machine-config-controller; in the cluster its work is done by
// the operator.
func Controller(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "bootstrap" {
		return controller.Command(ctx, args[1:])
	}
	return errors.New("parse arguments: want machine-config-controller bootstrap")
}

// Server is machine-config-server.
func Server(ctx context.Context, args []string) error { return server.Command(ctx, args) }

// Daemon is machine-config-daemon.
func Daemon(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "start" {
		return daemon.Command(ctx, args[1:])
	}
	return errors.New("parse arguments: want machine-config-daemon start")
}

// OSImageStream is machine-config-osimagestream, in images since 5.0.
func OSImageStream(_ context.Context, args []string) error {
	return osimagestream.Command(os.Stdout, args)
}
