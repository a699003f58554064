package bmc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	maxQueue   = 32 // events that wait for one subscriber; more are lost
	maxHeaders = 8
	postLimit  = 10 * time.Second
)

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
	queue           chan object
	end             context.CancelFunc
}

var eventTypes = []string{"StatusChange", "ResourceUpdated", "ResourceAdded", "ResourceRemoved", "Alert"}

func (b *BMC) eventService() object {
	o := head(eventService, "EventService.v1_7_0.EventService", "EventService", "Event Service")
	o["ServiceEnabled"], o["Status"], o["EventTypesForSubscription"] = true, healthy, eventTypes
	o["DeliveryRetryAttempts"] = b.p.Events.Attempts
	o["DeliveryRetryIntervalSeconds"] = int(b.p.Events.Interval.Seconds())
	o["Subscriptions"] = link(subscriptionPath)
	o["Actions"] = object{"#EventService.SubmitTestEvent": object{
		"target": eventService + "/Actions/EventService.SubmitTestEvent",
	}}
	return o
}

func (b *BMC) subscriptions() resource {
	r := shown(func() object {
		var paths []string
		b.locked(func() {
			for _, s := range b.events.list {
				paths = append(paths, subscriptionPath+"/"+s.id)
			}
		})
		return collection(subscriptionPath, "EventDestinationCollection", "Event Subscriptions", paths...)
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
	if err := only(c.fields, unknownField, known...); err != nil {
		return answer{}, err
	}
	s := &subscriber{queue: make(chan object, maxQueue), header: http.Header{}}
	var there bool
	var err error
	if s.to, there, err = field[string](c.fields, "Destination"); err != nil {
		return answer{}, err
	}
	u, bad := url.Parse(s.to)
	if !there {
		return answer{}, wrong(incomplete, "Destination")
	}
	if bad != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || len(s.to) > maxURL {
		return answer{}, wrong(notInList, "Destination", s.to)
	}
	if s.context, _, err = field[string](c.fields, "Context"); err != nil {
		return answer{}, err
	}
	if s.types, _, err = field[[]string](c.fields, "EventTypes"); err != nil {
		return answer{}, err
	}
	for _, t := range s.types {
		if !slices.Contains(eventTypes, t) {
			return answer{}, wrong(notInList, "EventTypes", t)
		}
	}
	if protocol, there, err := field[string](c.fields, "Protocol"); err != nil || (there && protocol != "Redfish") {
		return answer{}, wrong(notInList, "Protocol", protocol)
	}
	if err := s.headers(c.fields["HttpHeaders"]); err != nil {
		return answer{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.events.list) >= b.p.Events.Max {
		return answer{}, fail(limit)
	}
	b.events.made++
	s.id = fmt.Sprint(b.events.made)
	b.events.list = append(b.events.list, s)
	ctx, end := context.WithCancel(b.life)
	s.end = end
	b.work.Go(func() { b.deliver(ctx, s) })
	return at(http.StatusCreated, subscriptionPath+"/"+s.id, s.body()), nil
}

// headers reads what a subscriber wants to be sent: an object, or a list of objects.
func (s *subscriber) headers(raw json.RawMessage) error {
	if raw == nil || string(raw) == "null" {
		return nil
	}
	list := []map[string]string{{}}
	if json.Unmarshal(raw, &list[0]) != nil && json.Unmarshal(raw, &list) != nil {
		return wrong(wrongType, "HttpHeaders")
	}
	for _, values := range list {
		for name, value := range values {
			if len(s.header) >= maxHeaders || strings.ContainsAny(name+value, "\r\n") {
				return wrong(notInList, "HttpHeaders", name)
			}
			s.header.Set(name, value)
		}
	}
	return nil
}

func (s *subscriber) body() object {
	o := head(subscriptionPath+"/"+s.id, "EventDestination.v1_10_0.EventDestination", s.id, "Event Subscription")
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
		o := object{
			"@odata.type": "#Event.v1_6_1.Event", "Id": id, "Name": "Event", "Context": s.context, "Events": []object{{
				"EventType": kind, "EventId": id, "EventTimestamp": b.now().UTC(), "Severity": "OK",
				"Message": text, "MessageId": message, "OriginOfCondition": link(origin),
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
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-s.queue:
			if err := b.send(ctx, s, o); err != nil && ctx.Err() == nil {
				b.cfg.Log.Warn("a subscription ends", "destination", s.to, "error", err)
				b.unsubscribe(s)
				return
			}
		}
	}
}

func (b *BMC) send(ctx context.Context, s *subscriber, o object) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	var errs []error
	for range max(1, b.p.Events.Attempts) {
		if err = b.post(ctx, s, text); err == nil {
			return nil
		}
		errs = append(errs, err)
		if err := b.cfg.Clock.Sleep(ctx, b.p.Events.Interval); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}

func (b *BMC) post(ctx context.Context, s *subscriber, text []byte) error {
	ctx, cancel := context.WithTimeout(ctx, postLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.to, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header = s.header.Clone()
	req.Header.Set("Content-Type", "application/json")
	resp, err := b.client(false).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("POST %s: %s", s.to, resp.Status)
	}
	return nil
}

// testEvent sends an event as the client wants it.
func (b *BMC) testEvent(c *call) (answer, error) {
	text := map[string]string{"EventType": "Alert", "MessageId": "TestMessage", "Message": "Test"}
	for name := range text {
		value, there, err := field[string](c.fields, name)
		if err != nil {
			return answer{}, err
		}
		if there {
			text[name] = value
		}
	}
	if !slices.Contains(eventTypes, text["EventType"]) {
		return answer{}, wrong(notInList, "EventType", text["EventType"])
	}
	b.emit(text["EventType"], text["MessageId"], text["Message"], eventService)
	return noContent, nil
}
