// Package engine is the lab's oVirt engine: REST API version 4 (XML), single
// sign-on and imageio, with the state machines behind them. It behaves like
// oVirt 4.5 for the flows the installer and its users' other tools need:
// real clients (the oVirt SDKs, go-ovirt-client, terraform-provider-ovirt)
// must not be able to tell the difference.
//
// The engine owns names, states, locks and permissions. Machines that run and
// bytes that are stored belong to the two backends, Machines and Volumes.
package engine
