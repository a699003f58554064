package vips

// Kinds of load balancer.
const (
	Managed     = "OpenShiftManagedDefault"
	UserManaged = "UserManaged"
)

// LoadBalancer says who balances API and routes.
type LoadBalancer struct {
	// Type is the kind of load balancer: one that the nodes run, or yours. Default:
	// OpenShiftManagedDefault. One of OpenShiftManagedDefault, UserManaged; with
	// UserManaged the virtual addresses are those of your load balancer, may be
	// equal, and may be outside of machineNetwork.
	Type string `json:"type,omitempty" enum:"OpenShiftManagedDefault,UserManaged" refuse:"Invalid"`
}

// Kind is the kind of load balancer, also where the file says nothing of it.
func (l *LoadBalancer) Kind() string {
	if l == nil || l.Type == "" {
		return Managed
	}
	return l.Type
}
