package staticpod

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// summary is the state of a component in the words of its conditions.
type summary struct {
	available, progressing, degraded    bool
	availableMsg, progressMsg, faultMsg string
}

// summarize turns the nodes' state into what operators see. broken is a fault
// that has lasted, empty for none.
func summarize(views []nodeView, latest int, waiting, unavailable, broken string) summary {
	var at []string
	readyNodes, done := 0, 0
	var failed []string
	for _, v := range views {
		if v.Ready {
			readyNodes++
		}
		if v.Ready && v.Running == latest && latest > 0 {
			done++
		}
		if v.Installer.Failed && v.Installer.Attempt >= 2 {
			failed = append(failed, fmt.Sprintf("installer of revision %d failed %d times on %s", latest, v.Installer.Attempt+1, v.Name))
		}
		at = append(at, fmt.Sprintf("%s at revision %d", v.Name, v.currentRevision()))
	}
	s := summary{
		available:    readyNodes > 0 && unavailable == "",
		availableMsg: fmt.Sprintf("%d of %d nodes are ready; %s", readyNodes, len(views), strings.Join(at, ", ")),
		progressing:  done < len(views) || latest == 0 || len(views) == 0,
	}
	if unavailable != "" {
		s.availableMsg = unavailable
	}
	if len(views) == 0 {
		s.availableMsg = "no control plane node has registered yet"
	}
	s.progressMsg = fmt.Sprintf("%d of %d nodes run revision %d", done, len(views), latest)
	if s.progressing && waiting != "" {
		s.progressMsg += "; " + waiting
	}
	if broken != "" {
		failed = append(failed, broken)
	}
	s.degraded = len(failed) > 0
	s.faultMsg = strings.Join(failed, "; ")
	return s
}

func (s summary) clusterOperator() []Condition {
	return []Condition{
		{Type: "Available", Status: s.available, Reason: reason(s.available, "AsExpected", "StaticPods_NotAvailable"), Message: s.availableMsg},
		{Type: "Progressing", Status: s.progressing, Reason: reason(s.progressing, "NodeInstaller", "AsExpected"), Message: s.progressMsg},
		{Type: "Degraded", Status: s.degraded, Reason: reason(s.degraded, "Degraded", "AsExpected"), Message: s.faultMsg},
		{Type: "Upgradeable", Status: true, Reason: "AsExpected"},
	}
}

func (s summary) operator() []Condition {
	return []Condition{
		{Type: "StaticPodsAvailable", Status: s.available, Reason: reason(s.available, "AsExpected", "ZeroNodesActive"), Message: s.availableMsg},
		{Type: "NodeInstallerProgressing", Status: s.progressing, Reason: reason(s.progressing, "Rollout", "AllNodesAtLatestRevision"), Message: s.progressMsg},
		{Type: "NodeInstallerDegraded", Status: s.degraded, Reason: reason(s.degraded, "InstallerPodFailed", "AsExpected"), Message: s.faultMsg},
	}
}

func reason(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
