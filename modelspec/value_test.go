package modelspec_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/org/aegis/modelspec"
)

func TestValueForms(t *testing.T) {
	v := modelspec.Of(item{SKU: "a"})
	if i, err := modelspec.As[item](v); err != nil || i.SKU != "a" || !v.Native() {
		t.Error(i, err)
	}
	expect(t, v, `{"sku":"a","price":0,"qty":0}`)
	if p, err := modelspec.As[product](v); err != nil || p.SKU != "a" || v.Native() {
		t.Error(p, err)
	}
	if q, _ := modelspec.As[product](v); q != must(modelspec.As[product](v)) {
		t.Error("decoded twice")
	}
	var null *modelspec.Value
	expect(t, null, "null")
	if i, err := modelspec.As[item](null); err != nil || *i != (item{}) || null.Size() != 4 || null.Native() {
		t.Error(i, err)
	}
	if _, err := modelspec.As[item](modelspec.FromJSON([]byte("7"))); modelspec.CodeOf(err) != modelspec.ErrInvalid {
		t.Error(err)
	}
	var c modelspec.Call
	if err := json.Unmarshal([]byte(`{"op":"new","doc":{"a": 1}}`), &c); err != nil {
		t.Fatal(err)
	}
	expect(t, c.Doc, `{"a": 1}`)
	if b, err := json.Marshal(c); err != nil || string(b) != `{"op":"new","doc":{"a":1}}` {
		t.Error(string(b), err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestValueIsSafeForConcurrentUse(t *testing.T) {
	s := specOf(t, parcels)
	v, w := modelspec.FromJSON([]byte(newer)), modelspec.Of(parcel{ID: "p1"})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			run(t, s, "count", v)
			run(t, s, "count", w)
			modelspec.As[address](v)
			w.JSON()
			v.Size()
		})
	}
	all.Wait()
}

func TestErrorsKeepTheirIdentity(t *testing.T) {
	wrapped := fmt.Errorf("store: %w", &modelspec.Error{Code: modelspec.ErrExists, Message: "taken", NotSent: true, Fields: []modelspec.FieldError{{Pointer: "/a", Rule: "unique"}}})
	for _, c := range []struct {
		err       error
		code      modelspec.Code
		transient bool
		text      string
	}{
		{errPlain, modelspec.ErrUnknown, true, "plain"},
		{modelspec.ErrConflict, modelspec.ErrConflict, false, "aborted"},
		{modelspec.Code("odd"), modelspec.ErrUnknown, true, "odd"},
		{&modelspec.Error{Code: "odd", Message: "x"}, modelspec.ErrUnknown, true, "x"},
		{context.DeadlineExceeded, modelspec.ErrDeadline, true, "context deadline exceeded"},
		{context.Canceled, modelspec.ErrCanceled, true, "context canceled"},
		{modelspec.Refuse("no"), modelspec.ErrRefused, false, "no"},
		{modelspec.Invalid("/a", "bad"), modelspec.ErrInvalid, false, "invalid: /a invalid (bad)"},
		{&modelspec.Error{Code: modelspec.ErrDenied}, modelspec.ErrDenied, false, "permission_denied"},
		{wrapped, modelspec.ErrExists, false, "taken: /a unique"},
	} {
		e := modelspec.AsError(c.err)
		if modelspec.CodeOf(c.err) != c.code || modelspec.Transient(c.err) != c.transient || e.Code != c.code || e.Error() != c.text || !errors.Is(e, c.code) {
			t.Errorf("%v: %+v", c.err, e)
		}
	}
	if !modelspec.NotSent(wrapped) || !modelspec.AsError(wrapped).NotSent || modelspec.NotSent(errPlain) || modelspec.AsError(nil) != nil {
		t.Error("NotSent")
	}
	if err := modelspec.Coded(errPlain, modelspec.ErrInvalid); modelspec.CodeOf(err) != modelspec.ErrInvalid || modelspec.Coded(wrapped, modelspec.ErrInvalid) != wrapped || modelspec.Coded(nil, modelspec.ErrInvalid) != nil {
		t.Error(err)
	}
}

func TestEffectsOfAContext(t *testing.T) {
	var got []modelspec.Effect
	ctx := modelspec.WithEffects(t.Context(), modelspec.EffectsFunc(func(_ context.Context, e modelspec.Effect) (*modelspec.Value, error) {
		got = append(got, e)
		return nil, nil
	}))
	if err := orders.Created().Publish(ctx, seed); err != nil {
		t.Error(err)
	}
	modelspec.Log(ctx, slog.LevelWarn, "hello", map[string]any{"n": 1})
	if got[0].Verb != modelspec.VerbPublish || got[0].Target != "order.created" || got[1].Verb != modelspec.VerbLog || got[1].Target != "WARN" || got[1].Key != "hello" {
		t.Error(got)
	}
	if err := orders.Created().Publish(t.Context(), seed); modelspec.CodeOf(err) != modelspec.ErrDenied || !modelspec.NotSent(err) {
		t.Error(err)
	}
	now := time.Unix(3, 0)
	c := &modelspec.Call{Now: now, Caller: &modelspec.Caller{Subject: "ann"}, Trace: "00-t"}
	ctx = context.WithValue(t.Context(), modelspec.CallKey, c)
	if modelspec.Now(ctx) != now || modelspec.CallerOf(ctx).Subject != "ann" || modelspec.Trace(ctx) != "00-t" {
		t.Error("call")
	}
	if !modelspec.Now(t.Context()).IsZero() || modelspec.CallerOf(t.Context()).Subject != "" || modelspec.Trace(t.Context()) != "" {
		t.Error("no call")
	}
}
