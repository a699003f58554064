package vendor

import (
	"strconv"
	"strings"
)

// The kinds of failures. What a vendor makes of them is in its profile's messages.
const (
	Unauthorized   = "unauthorized"
	NotFound       = "notFound"
	BadMethod      = "badMethod"
	BadType        = "badType"
	Malformed      = "malformed"
	TooLarge       = "tooLarge"
	UnknownField   = "unknownField"
	ReadOnly       = "readOnly"
	WrongType      = "wrongType"
	NotInList      = "notInList"
	Missing        = "missing"
	UnknownParam   = "unknownParam"
	Precondition   = "precondition"
	NoPrecondition = "noPrecondition"
	SessionLimit   = "sessionLimit"
	Limit          = "limit"
	Busy           = "busy"
	Broken         = "broken"
	AlreadyOn      = "alreadyOn"
	AlreadyOff     = "alreadyOff"
	IsOff          = "isOff"
	Changing       = "changing"
	Settling       = "settling"
	InPOST         = "inPOST"
	Incomplete     = "incomplete"
	Unreachable    = "unreachable"
	BadImage       = "badImage"
	Inserted       = "inserted"
	Empty          = "empty"
	WrongSlot      = "wrongSlot"
	NoBody         = "noBody"
)

var messageKinds = []string{
	Unauthorized, NotFound, BadMethod, BadType, Malformed, TooLarge, UnknownField, ReadOnly, WrongType, NotInList,
	Missing, UnknownParam, Precondition, NoPrecondition, SessionLimit, Limit, Busy, Broken, AlreadyOn, AlreadyOff,
	IsOff, Changing, Settling, InPOST, Incomplete, Unreachable, BadImage, Inserted, Empty, WrongSlot, NoBody,
}

// Failure is the reason why a request is refused.
type Failure struct {
	Kind  string
	Args  []string
	Field string // property that is wrong
	Cause error  // for the controller's own log
}

// Refuse is a failure with the arguments of its message.
func Refuse(kind string, args ...string) *Failure { return &Failure{Kind: kind, Args: args} }

// Wrong is a failure because of a property, which is the message's first argument.
func Wrong(kind, field string, args ...string) *Failure {
	return &Failure{Kind: kind, Field: field, Args: append([]string{field}, args...)}
}

// Error implements error.
func (f *Failure) Error() string {
	text := f.Kind + " " + strings.Join(f.Args, " ")
	if f.Cause != nil {
		text += ": " + f.Cause.Error()
	}
	return text
}

// Unwrap is the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// Message is what the vendor says to a failure, in words of its own.
func (p Profile) Message(f *Failure) (Message, map[string]any) {
	m := p.Messages[f.Kind]
	text := m.Text
	for i, arg := range f.Args {
		text = strings.ReplaceAll(text, "%"+strconv.Itoa(i+1), arg)
	}
	info := map[string]any{
		"@odata.type": "#Message.v1_1_1.Message", "MessageId": p.messageID(m.ID), "Message": text,
		"MessageArgs": append([]string{}, f.Args...), "Severity": "Critical", "Resolution": m.Resolution,
	}
	if f.Field != "" {
		info["RelatedProperties"] = []string{"#/" + f.Field}
	}
	return m, info
}

func (p Profile) messageID(id string) string {
	if name, ok := strings.CutPrefix(id, "Base."); ok {
		return p.Registry + "." + name
	}
	return id
}

// ErrorBody is a failure in the form of Redfish.
func (p Profile) ErrorBody(f *Failure) (int, map[string]any) {
	m, info := p.Message(f)
	code, text := p.messageID(m.ID), info["Message"]
	if p.ErrorCode != "" {
		code, text = p.messageID(p.ErrorCode), "A general error has occurred. See ExtendedInfo for more information."
	}
	return m.Status, map[string]any{"error": map[string]any{
		"code": code, "message": text, "@Message.ExtendedInfo": []map[string]any{info},
	}}
}
