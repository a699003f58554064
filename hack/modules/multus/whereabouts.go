package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containernetworking/cni/pkg/skel"
	cnitypes "github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/k8snetworkplumbingwg/whereabouts/pkg/config"
	"github.com/k8snetworkplumbingwg/whereabouts/pkg/storage/kubernetes"
	"github.com/k8snetworkplumbingwg/whereabouts/pkg/types"
)

const whereaboutsVersion = "v0.9.2"

func whereaboutsFuncs() skel.CNIFuncs {
	return skel.CNIFuncs{
		Add: allocate,
		Del: deallocate,
		// The upstream plugin answers the same.
		Check: func(*skel.CmdArgs) error { return errors.New("whereabouts does not support CHECK") },
	}
}

// allocate reserves an address in the cluster's pool and prints it.
func allocate(args *skel.CmdArgs) error {
	var result current.Result
	version, err := manage(args, types.Allocate, types.AddTimeLimit, &result)
	if err != nil {
		return err
	}
	return cnitypes.PrintResult(&result, version)
}

// deallocate gives the address back. As for every plugin it is no error if there
// is nothing to give back.
func deallocate(args *skel.CmdArgs) error {
	_, err := manage(args, types.Deallocate, types.DelTimeLimit, &current.Result{})
	return err
}

func manage(args *skel.CmdArgs, mode int, limit time.Duration, into *current.Result) (version string, err error) {
	conf, version, err := config.LoadIPAMConfig(args.StdinData, args.Args)
	if err != nil {
		return "", fmt.Errorf("read configuration of whereabouts: %w", err)
	}
	client, err := kubernetes.NewKubernetesIPAM(args.ContainerID, args.IfName, *conf)
	if err != nil {
		return "", fmt.Errorf("connect to the cluster's address pools: %w", err)
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	addresses, err := kubernetes.IPManagement(ctx, mode, client.Config, client)
	if err != nil {
		return "", fmt.Errorf("address of interface %s: %w", args.IfName, err)
	}
	into.DNS, into.Routes = client.Config.DNS, client.Config.Routes
	for _, a := range addresses {
		into.IPs = append(into.IPs, &current.IPConfig{Address: a, Gateway: client.Config.Gateway})
	}
	for _, a := range client.Config.Addresses {
		into.IPs = append(into.IPs, &current.IPConfig{Address: a.Address, Gateway: a.Gateway})
	}
	return version, nil
}
