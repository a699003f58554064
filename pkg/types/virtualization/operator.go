package virtualization

// Operator is where operators come from, and how they are updated.
type Operator struct {
	// Catalog is the catalog with the HyperConverged operator and node health checks. Default: the cluster's
	// community-operators; if install-config.yaml has mirrors for its index, a catalog of that name from the mirror.
	Catalog Catalog `json:"catalog,omitzero"`
	// Channel is the channel of the HyperConverged operator. Default: stable.
	Channel string `json:"channel,omitempty" default:"stable" pattern:"channel"`
	// Approval says what is approved of the operators' plans. Default: FirstPlanOnly. One of FirstPlanOnly, Automatic.
	// With FirstPlanOnly, updates wait for your approval; with Automatic they do not.
	Approval string `json:"approval,omitempty" enum:"FirstPlanOnly,Automatic" default:"FirstPlanOnly"`
	// AddOns is the catalog with the operators that the first does not have: NMState, LVM storage, SR-IOV,
	// descheduler, OADP. Default: that of okderators, for releases for which there is one. Only used if one of them
	// is needed.
	AddOns Catalog `json:"addOns,omitzero"`
}

// Catalog is a catalog of operators.
type Catalog struct {
	// Name is the name of the CatalogSource.
	Name string `json:"name,omitempty" pattern:"object-name"`
	// Namespace is where the CatalogSource is. Default: openshift-marketplace.
	Namespace string `json:"namespace,omitempty" default:"openshift-marketplace" pattern:"label-name"`
	// Image is the index image of a catalog that the installer adds under the name. Default: none, if the cluster
	// has the catalog.
	Image string `json:"image,omitempty" pattern:"image"`
}
