package analyze

import (
	"cmp"
	"slices"
	"time"
)

// The objects of the cluster, with no more than the analysis looks at. Decoding into the full types would let one odd
// field hide an object.

type meta struct {
	Name              string            `json:"name"`
	Namespace         string            `json:"namespace"`
	CreationTimestamp time.Time         `json:"creationTimestamp"`
	Labels            map[string]string `json:"labels"`
}

type condition struct {
	Type               string    `json:"type"`
	Status             string    `json:"status"`
	Reason             string    `json:"reason"`
	Message            string    `json:"message"`
	LastTransitionTime time.Time `json:"lastTransitionTime"`
}

type conditions []condition

func (list conditions) get(name string) condition {
	for _, c := range list {
		if c.Type == name {
			return c
		}
	}
	return condition{}
}

func (c condition) is(status string) bool { return c.Status == status }

// why is the message of the condition, or its reason.
func (c condition) why() string { return cmp.Or(c.Message, c.Reason, "no reason given") }

type object struct {
	Metadata meta `json:"metadata"`
	Status   struct {
		Conditions conditions `json:"conditions"`
	} `json:"status"`
}

func (o object) condition(name string) condition { return o.Status.Conditions.get(name) }

func (o object) isMaster() bool {
	_, master := o.Metadata.Labels["node-role.kubernetes.io/master"]
	_, controlPlane := o.Metadata.Labels["node-role.kubernetes.io/control-plane"]
	return master || controlPlane
}

type clusterVersion struct {
	object
	Status struct {
		Conditions conditions `json:"conditions"`
		Desired    struct {
			Version string `json:"version"`
		} `json:"desired"`
		History []struct {
			StartedTime    time.Time `json:"startedTime"`
			CompletionTime time.Time `json:"completionTime"`
			Version        string    `json:"version"`
		} `json:"history"`
	} `json:"status"`
}

type signingRequest struct {
	object
	Spec struct {
		SignerName string `json:"signerName"`
		Username   string `json:"username"`
	} `json:"spec"`
}

// kubeletSigners are those of the certificates without which a node does not work.
var kubeletSigners = []string{"kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kubelet-serving"}

func (r signingRequest) pending() bool {
	return len(r.Status.Conditions) == 0 && slices.Contains(kubeletSigners, r.Spec.SignerName)
}

type pod struct {
	Metadata meta `json:"metadata"`
	Status   struct {
		Phase      string      `json:"phase"`
		Conditions conditions  `json:"conditions"`
		Init       []container `json:"initContainerStatuses"`
		Containers []container `json:"containerStatuses"`
	} `json:"status"`
}

func (p pod) name() string { return p.Metadata.Namespace + "/" + p.Metadata.Name }

type container struct {
	Name  string `json:"name"`
	Image string `json:"image"`
	State struct {
		Waiting struct {
			Reason  string `json:"reason"`
			Message string `json:"message"`
		} `json:"waiting"`
	} `json:"state"`
	Last struct {
		Terminated struct {
			Reason   string `json:"reason"`
			ExitCode int    `json:"exitCode"`
		} `json:"terminated"`
	} `json:"lastState"`
}

type clusterEvent struct {
	Metadata       meta      `json:"metadata"`
	Reason         string    `json:"reason"`
	Message        string    `json:"message"`
	Type           string    `json:"type"`
	FirstTimestamp time.Time `json:"firstTimestamp"`
	EventTime      time.Time `json:"eventTime"`
}

func (e clusterEvent) when() time.Time {
	return cmp.Or(e.EventTime, e.FirstTimestamp, e.Metadata.CreationTimestamp)
}
