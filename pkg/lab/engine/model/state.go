package model

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// State is everything that changes while an engine runs.
type State struct {
	VMs       map[string]*VM            `json:"vms"`
	Disks     map[string]*Disk          `json:"disks"`
	Templates map[string]*Template      `json:"templates"`
	Tags      map[string]*Tag           `json:"tags"`
	Groups    map[string]*AffinityGroup `json:"affinityGroups"`
	Profiles  map[string]*Profile       `json:"profiles"`
	Transfers map[string]*Transfer      `json:"transfers"`
	Tasks     map[string]*Task          `json:"tasks"`
	Jobs      []*Job                    `json:"jobs"`
	// Hosts holds the statuses of hosts that are not as configured.
	Hosts map[string]string `json:"hosts"`
	// Domains holds the statuses of storage domains that are not active.
	Domains map[string]string `json:"domains"`
}

// NewState returns an empty state.
func NewState() *State {
	return &State{
		VMs: map[string]*VM{}, Disks: map[string]*Disk{}, Templates: map[string]*Template{},
		Tags: map[string]*Tag{}, Groups: map[string]*AffinityGroup{}, Profiles: map[string]*Profile{},
		Transfers: map[string]*Transfer{}, Tasks: map[string]*Task{},
		Hosts: map[string]string{}, Domains: map[string]string{},
	}
}

// ReadState reads a state back from JSON.
func ReadState(data []byte) (*State, error) {
	s := NewState()
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("read engine state: %w", err)
	}
	return s, nil
}

// Sorted returns the objects of a map in a stable order: by name, then by ID.
func Sorted[T any](objects map[string]*T, name func(*T) string) []*T {
	ids := slices.SortedFunc(maps.Keys(objects), func(a, b string) int {
		return cmp.Or(strings.Compare(name(objects[a]), name(objects[b])), strings.Compare(a, b))
	})
	out := make([]*T, len(ids))
	for i, id := range ids {
		out[i] = objects[id]
	}
	return out
}

// Inventory lists what an engine holds. Everything but History is there until
// it is removed, so two inventories without their histories are equal
// when nothing was left behind.
type Inventory struct {
	VMs            []*VM            `json:"vms"`
	Disks          []*Disk          `json:"disks"`
	Templates      []*Template      `json:"templates"`
	Tags           []*Tag           `json:"tags"`
	AffinityGroups []*AffinityGroup `json:"affinityGroups"`
	Profiles       []*Profile       `json:"vnicProfiles"`
	Domains        []Domain         `json:"storageDomains"`
	MACs           []string         `json:"macs"` // in use
	History        History          `json:"history"`
}

// History is what happened: it only grows.
type History struct {
	Transfers []*Transfer `json:"transfers"`
	Jobs      []*Job      `json:"jobs"`
}

// Domain tells what is stored where.
type Domain struct {
	Name      string `json:"name"`
	Status    string `json:"status"`
	Used      int64  `json:"used"`
	Available int64  `json:"available"`
}

// Objects returns the inventory without its history.
func (i Inventory) Objects() Inventory {
	i.History = History{}
	return i
}

// Find returns the first object that fits, or nil.
func Find[T any](objects []*T, fits func(*T) bool) *T {
	if i := slices.IndexFunc(objects, fits); i >= 0 {
		return objects[i]
	}
	return nil
}
