package analyze

import (
	"slices"
	"strings"
	"time"
)

// The objects of the cluster, with no more than the analysis looks at. Decoding
// into the full types would let one odd field hide an object.

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
	return condition{Type: name}
}

func (c condition) is(status string) bool { return c.Status == status }

// why is what the condition says, or its reason.
func (c condition) why() string {
	switch {
	case c.Message != "":
		return c.Message
	case c.Reason != "":
		return c.Reason
	}
	return "it says nothing about why"
}

type object struct {
	Metadata meta `json:"metadata"`
	Status   struct {
		Conditions conditions `json:"conditions"`
	} `json:"status"`
}

func (o object) condition(name string) condition { return o.Status.Conditions.get(name) }

func (o object) isMaster() bool {
	for label := range o.Metadata.Labels {
		if role, ok := strings.CutPrefix(label, "node-role.kubernetes.io/"); ok &&
			(role == "master" || role == "control-plane") {
			return true
		}
	}
	return false
}

type clusterVersion struct {
	object
	Status struct {
		Conditions conditions `json:"conditions"`
		Desired    struct {
			Version string `json:"version"`
		} `json:"desired"`
		History []struct {
			State          string    `json:"state"`
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
		Phase      string     `json:"phase"`
		Conditions conditions `json:"conditions"`
		Init       []started  `json:"initContainerStatuses"`
		Containers []started  `json:"containerStatuses"`
	} `json:"status"`
}

type started struct {
	Name         string `json:"name"`
	Image        string `json:"image"`
	RestartCount int    `json:"restartCount"`
	State        struct {
		Waiting struct {
			Reason  string `json:"reason"`
			Message string `json:"message"`
		} `json:"waiting"`
	} `json:"state"`
	Last struct {
		Terminated struct {
			Reason   string `json:"reason"`
			Message  string `json:"message"`
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
	for _, t := range []time.Time{e.EventTime, e.FirstTimestamp} {
		if !t.IsZero() {
			return t
		}
	}
	return e.Metadata.CreationTimestamp
}
