package modelspec

import (
	"context"
	"time"
)

// Op is what a [Call] asks.
type Op string

// The ops. All but OpInvoke are pure: effects are refused in them.
const (
	OpNew      Op = "new"          // Doc: input -> Doc: completed document
	OpUpdate   Op = "update"       // Prev, Doc -> Doc
	OpDelete   Op = "delete"       // Doc -> nothing, or an error
	OpUndone   Op = "undone"       // Doc -> Doc; a flow of the document has been taken back
	OpRequest  Op = "port.request" // outbound, first half: Doc -> Result: request
	OpReply    Op = "port.reply"   // outbound, second half: Doc, Arg: answer -> Doc
	OpInvoke   Op = "port.invoke"  // inbound: Doc, Arg -> Doc, Result; may act, through ctx
	OpAdapt    Op = "adapter.call" // Model, Port, Key, Arg: request -> Result: answer
	OpTakeBack Op = "adapter.undo" // Model, Port, Key, Undoes, Arg: request, Answer (nil: unknown) -> nothing
	OpDescribe Op = "describe"     // -> Result: manifest
	OpProbe    Op = "probe"        // Model, Port (either may be empty) -> nothing, or ErrNotFound
)

// Caller is who asks: what Config.Caller read of the request. It is data, not
// a right: what a component may do never depends on it.
type Caller struct {
	Subject string         `json:"subject,omitempty"`
	Tenant  string         `json:"tenant,omitempty"`
	Claims  map[string]any `json:"claims,omitempty"`
}

// Call is one question to a model or an adapter; [Reply] is the answer. Both
// are the wire format too, by their json tags.
type Call struct {
	Op       Op        `json:"op"`
	Model    string    `json:"model,omitempty"`
	Port     string    `json:"port,omitempty"`
	ID       string    `json:"id,omitempty"`     // of the document
	Key      string    `json:"key,omitempty"`    // idempotency key of this call
	Undoes   string    `json:"undoes,omitempty"` // key of the call that this one takes back
	Now      time.Time `json:"now,omitzero"`
	Deadline time.Time `json:"deadline,omitzero"`
	Caller   *Caller   `json:"caller,omitempty"`
	Trace    string    `json:"trace,omitempty"` // W3C traceparent
	Cause    string    `json:"cause,omitempty"` // what led to this call: a command's or an event's id
	Doc      *Value    `json:"doc,omitempty"`
	Prev     *Value    `json:"prev,omitempty"`
	Answer   *Value    `json:"answer,omitempty"`
	Arg      *Value    `json:"arg,omitempty"`
}

// Reply answers a [Call]. No Doc means that the document is unchanged.
type Reply struct {
	Doc    *Value `json:"doc,omitempty"`
	Result *Value `json:"result,omitempty"`
	Error  *Error `json:"error,omitempty"`
}

// Behavior is what a model does, wherever its code runs.
type Behavior interface {
	Handle(ctx context.Context, c Call) (Reply, error)
}

// Moment is what a hook may know beside the model itself. Hooks have no
// context, no clock and no memory; a model that needs one of these takes it as
// data: see Model.Moment.
type Moment struct {
	ID     string
	Now    time.Time
	Caller Caller
	Cause  string
}
