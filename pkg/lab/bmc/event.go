package bmc

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/bmc/notify"
	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/lab/bmc/wire"
)

const maxQueue = 32 // events that wait for one subscriber; more are lost

// events are who wants to hear of changes.
type events struct {
	list []*subscriber
	made int // subscriptions
	sent int // events
}

type subscriber struct {
	id, to, context string
	types           []string
	header          http.Header
	queue           chan wire.Object
	end             context.CancelFunc
}

var eventTypes = []string{"StatusChange", "ResourceUpdated", "ResourceAdded", "ResourceRemoved", "Alert"}

func (b *BMC) eventService() wire.Object {
	o := wire.Head(eventService, "EventService.v1_7_0.EventService", "EventService", "Event Service")
	o["ServiceEnabled"], o["Status"], o["EventTypesForSubscription"] = true, wire.Healthy, eventTypes
	o["DeliveryRetryAttempts"] = b.p.Events.Attempts
	o["DeliveryRetryIntervalSeconds"] = int(b.p.Events.Interval.Seconds())
	o["Subscriptions"] = wire.Link(subscriptionPath)
	o["Actions"] = wire.Object{"#EventService.SubmitTestEvent": wire.Object{
		"target": eventService + "/Actions/EventService.SubmitTestEvent",
	}}
	return o
}

func (b *BMC) subscriptions() resource {
	r := shown(func() wire.Object {
		var paths []string
		b.locked(func() {
			for _, s := range b.events.list {
				paths = append(paths, subscriptionPath+"/"+s.id)
			}
		})
		return wire.Collection(subscriptionPath, "EventDestinationCollection", "Event Subscriptions", paths...)
	})
	r.post = b.subscribe
	return r
}

// subscribe adds a subscriber.
func (b *BMC) subscribe(c *call) (answer, error) {
	known := []string{
		"Destination", "EventTypes", "Context", "Protocol", "HttpHeaders", "RegistryPrefixes", "ResourceTypes",
		"DeliveryRetryPolicy", "SubscriptionType", "EventFormatType", "Oem",
	}
	if err := wire.Only(c.fields, vendor.UnknownField, known...); err != nil {
		return answer{}, err
	}
	s := &subscriber{queue: make(chan wire.Object, maxQueue)}
	var there bool
	var err error
	if s.to, there, err = wire.Field[string](c.fields, "Destination"); err != nil {
		return answer{}, err
	}
	u, bad := url.Parse(s.to)
	if !there {
		return answer{}, vendor.Wrong(vendor.Incomplete, "Destination")
	}
	if bad != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || len(s.to) > maxURL {
		return answer{}, vendor.Wrong(vendor.NotInList, "Destination", s.to)
	}
	if s.context, _, err = wire.Field[string](c.fields, "Context"); err != nil {
		return answer{}, err
	}
	if s.types, _, err = wire.Field[[]string](c.fields, "EventTypes"); err != nil {
		return answer{}, err
	}
	for _, t := range s.types {
		if !slices.Contains(eventTypes, t) {
			return answer{}, vendor.Wrong(vendor.NotInList, "EventTypes", t)
		}
	}
	if protocol, there, err := wire.Field[string](c.fields, "Protocol"); err != nil || (there && protocol != "Redfish") {
		return answer{}, vendor.Wrong(vendor.NotInList, "Protocol", protocol)
	}
	if s.header, err = notify.Headers(c.fields["HttpHeaders"]); err != nil {
		return answer{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.events.list) >= b.p.Events.Max {
		return answer{}, vendor.Refuse(vendor.Limit)
	}
	b.events.made++
	s.id = fmt.Sprint(b.events.made)
	b.events.list = append(b.events.list, s)
	ctx, end := context.WithCancel(b.life)
	s.end = end
	b.work.Go(func() { b.deliver(ctx, s) })
	return at(http.StatusCreated, subscriptionPath+"/"+s.id, s.body()), nil
}

func (s *subscriber) body() wire.Object {
	o := wire.Head(subscriptionPath+"/"+s.id, "EventDestination.v1_10_0.EventDestination", s.id, "Event Subscription")
	o["Destination"], o["Context"], o["Protocol"] = s.to, s.context, "Redfish"
	o["EventTypes"], o["SubscriptionType"], o["HttpHeaders"] = append([]string{}, s.types...), "RedfishEvent", nil
	return o
}

func (b *BMC) subscription(id string) (resource, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.events.list, func(s *subscriber) bool { return s.id == id })
	if i < 0 {
		return resource{}, false
	}
	s := b.events.list[i]
	r := shown(s.body)
	r.delete = func(*call) (answer, error) {
		b.unsubscribe(s)
		return noContent, nil
	}
	return r, true
}

func (b *BMC) unsubscribe(s *subscriber) {
	s.end()
	b.locked(func() {
		b.events.list = slices.DeleteFunc(b.events.list, func(other *subscriber) bool { return other == s })
	})
}

// emit tells the subscribers of an event. Those that are slow lose some.
func (b *BMC) emit(kind, message, text, origin string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events.sent++
	id := fmt.Sprint(b.events.sent)
	for _, s := range b.events.list {
		if len(s.types) > 0 && !slices.Contains(s.types, kind) {
			continue
		}
		o := wire.Object{
			"@odata.type": "#Event.v1_6_1.Event", "Id": id, "Name": "Event", "Context": s.context, "Events": []wire.Object{{
				"EventType": kind, "EventId": id, "EventTimestamp": b.now().UTC(), "Severity": "OK",
				"Message": text, "MessageId": message, "OriginOfCondition": wire.Link(origin),
			}},
		}
		select {
		case s.queue <- o:
		default:
			b.cfg.Log.Warn("an event is lost", "destination", s.to)
		}
	}
}

// deliver sends events to a subscriber until it has failed too often.
func (b *BMC) deliver(ctx context.Context, s *subscriber) {
	target := notify.Target{
		URL: s.to, Header: s.header, Attempts: b.p.Events.Attempts, Interval: b.p.Events.Interval,
		HTTP: b.client(false), Clock: b.cfg.Clock,
	}
	if err := target.Deliver(ctx, s.queue); err != nil && ctx.Err() == nil {
		b.cfg.Log.Warn("a subscription ends", "destination", s.to, "error", err)
		b.unsubscribe(s)
	}
}

// testEvent sends an event as the client wants it.
func (b *BMC) testEvent(c *call) (answer, error) {
	text := map[string]string{"EventType": "Alert", "MessageId": "TestMessage", "Message": "Test"}
	for name := range text {
		value, there, err := wire.Field[string](c.fields, name)
		if err != nil {
			return answer{}, err
		}
		if there {
			text[name] = value
		}
	}
	if !slices.Contains(eventTypes, text["EventType"]) {
		return answer{}, vendor.Wrong(vendor.NotInList, "EventType", text["EventType"])
	}
	b.emit(text["EventType"], text["MessageId"], text["Message"], eventService)
	return noContent, nil
}
