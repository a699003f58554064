package main

import "github.com/okd-install/okd-install/pkg/exit"

// exitCode is what a run ends with, for the manual and the reference.
type exitCode struct {
	code  int
	means string
}

// exitCodes are those of openshift-install, which has no 9.
var exitCodes = []exitCode{
	{exit.OK, "Done."},
	{exit.Other, "Anything that has no code of its own: a wrong flag, an asset that cannot be made, a check before " +
		"anything is created, destroy, gather, a missing file."},
	{exit.InstallConfig, "install-config.yaml cannot be read or is not valid."},
	{exit.Infrastructure, "Creating the infrastructure failed: images, machines, removing the bootstrap host."},
	{exit.Bootstrap, "The API never answered, or the bootstrap never completed."},
	{exit.Install, "The cluster did not complete."},
	{exit.Operators, "The cluster is available, but its operators do not settle."},
	{exit.Interrupted, "Interrupted by SIGINT or SIGTERM. The same command goes on where it stopped."},
	{exit.Unproved, "Nothing was changed, because a cluster that lives might be harmed: it does not answer, the " +
		"state that it was made from is gone, or another one has the domain or the API address. The message names " +
		"what could not be asked and what decides. Nothing has failed: do not destroy because of it."},
}

// variable is an environment variable that the program reads.
type variable struct{ name, use string }

// environment lists the variables that change what the program does. A test looks for others in the source.
var environment = []variable{
	{"OPENSHIFT_INSTALL_RELEASE_IMAGE_OVERRIDE", "The release image to install, best by digest, instead of the one " +
		"that is built in. It wins over --release."},
	{"OKD_INSTALL_UPDATE_SERVICE", "URL of the update service's graph in which releases are looked up, as " +
		"--update-service; OKD's own if unset."},
	{"OKD_INSTALL_RELEASE_REPOSITORY", "The repository of release images, tagged by version, as " +
		"--release-repository; quay.io/okd/scos-release if unset."},
	{"OKD_INSTALL_RELEASE_KEY", "A file with the OpenPGP public keys of those who may sign releases, as " +
		"--release-key."},
	{"OKD_INSTALL_SIGNATURE_STORE", "URL below which the signatures of release images are, as --signature-store; " +
		"that of OKD's releases if unset."},
	{"OPENSHIFT_INSTALL_OS_IMAGE_OVERRIDE", "The operating system image instead of the release's: a URL of a QCOW2 " +
		"image (https, http or file, best with ?sha256=), or on oVirt the name of a template that the engine has, " +
		"which destroy then leaves alone. For agent create image and the like: the path or the URL of a live ISO."},
	{"OKD_INSTALL_ALLOW_UNVERIFIED_IMAGE", "URLs and hosts, separated by commas, from which an operating system " +
		"image may come over plain http without a checksum."},
	{"OPENSHIFT_INSTALL_INVOKER", "Who runs the installer, noted in the cluster; \"user\" if unset."},
	{"OPENSHIFT_INSTALL_PRESERVE_BOOTSTRAP", "If not empty, create cluster leaves the bootstrap host in place."},
	{"OPENSHIFT_INSTALL_GATHER_BOOTSTRAP", "If not empty, create cluster gathers a log bundle also when all went " +
		"well."},
	{"OPENSHIFT_INSTALL_SKIP_HOSTCRYPT_VALIDATION", "If not empty, fips: true is accepted on a host that is not in " +
		"FIPS mode."},
	{"OPENSHIFT_INSTALL_BOOTSTRAP_NODE_IP", "The bootstrap host's own address, where it has several; there it is " +
		"reached over SSH."},
	{"OPENSHIFT_INSTALL_EXPERIMENTAL_CLUSTER_PROFILE", "The cluster profile whose manifests of the release are " +
		"applied; self-managed-high-availability if unset."},
	{"OPENSHIFT_INSTALL_LOAD_CLUSTER_CERTS", "If true, authorities and the administrator's certificate are read " +
		"from tls/ instead of being made."},
	{"OKD_INSTALL_IMAGE_CACHE", "The directory in which downloaded operating system images are kept."},
	{"OPENSHIFT_INSTALL_IMAGE_CACHE", "The same, if OKD_INSTALL_IMAGE_CACHE is not set."},
	{"OKD_INSTALL_STATE_PASSPHRASE_FILE", "A file with the passphrase or age identity that the state is encrypted " +
		"with, as --state-passphrase-file."},
	{"OKD_INSTALL_STATE_PASSPHRASE", "That passphrase itself, if no file is named."},
	{"SSH_AUTH_SOCK", "The SSH agent whose keys are tried for logging in to hosts, besides the installation's own " +
		"and those of --key."},
	{"OKD_INSTALL_BMC_LOGINS", "A file with logins of BMCs, for where install-config.yaml is gone: YAML, by " +
		"address, username and password."},
	{"OVIRT_CONFIG", "The file with the login of the oVirt engine; ~/.ovirt/ovirt-config.yaml if unset."},
}
