// multus is the multus CNI plugin and the IPAM plugin whereabouts in one static
// program; the name it is called by selects the plugin. One program of 48 MB on
// every node is enough: both are mostly the client of the API server.
package main

import (
	"flag"
	"os"
	"path/filepath"

	"github.com/containernetworking/cni/pkg/skel"
	cniversion "github.com/containernetworking/cni/pkg/version"
	"gopkg.in/k8snetworkplumbingwg/multus-cni.v4/pkg/multus"
)

func main() {
	// Imported packages register flags, which no CNI plugin has.
	flag.CommandLine = flag.NewFlagSet(os.Args[0], flag.ExitOnError)
	flag.Parse()
	if filepath.Base(os.Args[0]) == "whereabouts" {
		skel.PluginMainFuncs(whereaboutsFuncs(), cniversion.All, "whereabouts "+whereaboutsVersion)
		return
	}
	skel.PluginMainFuncs(multusFuncs(), cniversion.All, multus.PrintVersionString())
}

// multusFuncs call multus without a client of its own: it makes one from the
// kubeconfig that its configuration names.
func multusFuncs() skel.CNIFuncs {
	return skel.CNIFuncs{
		Add: func(args *skel.CmdArgs) error {
			result, err := multus.CmdAdd(args, nil, nil)
			if err != nil {
				return err
			}
			return result.Print()
		},
		Del:    func(args *skel.CmdArgs) error { return multus.CmdDel(args, nil, nil) },
		Check:  func(args *skel.CmdArgs) error { return multus.CmdCheck(args, nil, nil) },
		GC:     func(args *skel.CmdArgs) error { return multus.CmdGC(args, nil, nil) },
		Status: func(args *skel.CmdArgs) error { return multus.CmdStatus(args, nil, nil) },
	}
}
