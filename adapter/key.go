package adapter

import "context"

type keyKey struct{}

// KeyKey is the key under which a context carries the idempotency key.
var KeyKey any = keyKey{}

// Key is the idempotency key of the call: the same for every attempt, also
// after a crash, and never shared by two calls. Hand it to the service.
func Key(ctx context.Context) string { k, _ := ctx.Value(KeyKey).(string); return k }

type undoesKey struct{}

// UndoesKey is the key under which a context carries what [Undoes] returns.
var UndoesKey any = undoesKey{}

// Undoes is, in an undo, the key of the call that it takes back, else "".
func Undoes(ctx context.Context) string { k, _ := ctx.Value(UndoesKey).(string); return k }
