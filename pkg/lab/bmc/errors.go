package bmc

import (
	"strconv"
	"strings"
)

// The kinds of failures. What a vendor makes of them is in its profile's messages.
const (
	unauthorized   = "unauthorized"
	notFound       = "notFound"
	badMethod      = "badMethod"
	badType        = "badType"
	malformed      = "malformed"
	tooLarge       = "tooLarge"
	unknownField   = "unknownField"
	readOnly       = "readOnly"
	wrongType      = "wrongType"
	notInList      = "notInList"
	missing        = "missing"
	unknownParam   = "unknownParam"
	precondition   = "precondition"
	noPrecondition = "noPrecondition"
	sessionLimit   = "sessionLimit"
	limit          = "limit"
	busy           = "busy"
	broken         = "broken"
	alreadyOn      = "alreadyOn"
	alreadyOff     = "alreadyOff"
	isOff          = "isOff"
	changing       = "changing"
	settling       = "settling"
	inPOST         = "inPOST"
	incomplete     = "incomplete"
	unreachable    = "unreachable"
	badImage       = "badImage"
	inserted       = "inserted"
	empty          = "empty"
	wrongSlot      = "wrongSlot"
	noBody         = "noBody"
)

var messageKinds = []string{
	unauthorized, notFound, badMethod, badType, malformed, tooLarge, unknownField, readOnly, wrongType, notInList,
	missing, unknownParam, precondition, noPrecondition, sessionLimit, limit, busy, broken, alreadyOn, alreadyOff,
	isOff, changing, settling, inPOST, incomplete, unreachable, badImage, inserted, empty, wrongSlot, noBody,
}

// failure is the reason why a request is refused.
type failure struct {
	kind  string
	args  []string
	field string // property that is wrong
	cause error  // for the controller's own log
}

func fail(kind string, args ...string) *failure { return &failure{kind: kind, args: args} }

// wrong is a failure because of a property, which is the message's first argument.
func wrong(kind, field string, args ...string) *failure {
	return &failure{kind: kind, field: field, args: append([]string{field}, args...)}
}

func (f *failure) Error() string {
	text := f.kind + " " + strings.Join(f.args, " ")
	if f.cause != nil {
		text += ": " + f.cause.Error()
	}
	return text
}

func (f *failure) Unwrap() error { return f.cause }

// message is what the vendor says.
func (p Profile) message(f *failure) (Message, object) {
	m := p.Messages[f.kind]
	text := m.Text
	for i, arg := range f.args {
		text = strings.ReplaceAll(text, "%"+strconv.Itoa(i+1), arg)
	}
	info := object{
		"@odata.type": "#Message.v1_1_1.Message", "MessageId": p.messageID(m.ID), "Message": text,
		"MessageArgs": append([]string{}, f.args...), "Severity": "Critical", "Resolution": m.Resolution,
	}
	if f.field != "" {
		info["RelatedProperties"] = []string{"#/" + f.field}
	}
	return m, info
}

func (p Profile) messageID(id string) string {
	if name, ok := strings.CutPrefix(id, "Base."); ok {
		return p.Registry + "." + name
	}
	return id
}

// errorBody is a failure in the form of Redfish.
func (p Profile) errorBody(f *failure) (int, object) {
	m, info := p.message(f)
	code, text := p.messageID(m.ID), info["Message"]
	if p.ErrorCode != "" {
		code, text = p.messageID(p.ErrorCode), "A general error has occurred. See ExtendedInfo for more information."
	}
	return m.Status, object{"error": object{"code": code, "message": text, "@Message.ExtendedInfo": []object{info}}}
}
