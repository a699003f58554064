// Package virtualization has the commands for the virtualization of a cluster.
package virtualization
