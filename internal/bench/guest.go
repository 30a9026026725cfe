package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/wasm"
	"github.com/org/aegis/wasm/wasmtest"
)

// guestLine passes 1 KiB to a guest and back through the adapter of a loaded
// component: the frame is written, the guest called, its reply read strictly.
// The baseline is the same guest in the bare engine with the same settings:
// write a frame made before, call, read.
func guestLine(ctx context.Context, p plan) (_ []row, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Hour) // calls have a deadline, on both sides
	defer cancel()
	bin, payload := wasmtest.Echo(wasmtest.Manifest("echo", "1.0.0")), strings.Repeat("x", 1022)
	rt := wasm.New(wasm.Config{})
	defer func() { err = errors.Join(err, rt.Close()) }()
	m, err := rt.Load(ctx, federation.Artifact{Body: bin})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	bare, end, err := bareGuest(ctx, bin, payload)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	call, arg := m.Adapters()[0].Call, []byte(`"`+payload+`"`)
	ours := func(n int) error {
		for range n {
			out, err := call(ctx, modelspec.FromJSON(arg))
			if err != nil {
				return err
			}
			if raw, err := out.JSON(); err != nil || len(raw) != len(arg) {
				return fmt.Errorf("%d bytes came back: %w", len(raw), err)
			}
		}
		return nil
	}
	r, err := compare(ctx, p, measured(ours), measured(bare))
	return []row{atMost("guest: echo of 1 KiB", r, 6)}, err
}

func bareGuest(ctx context.Context, bin []byte, payload string) (call func(n int) error, end func() error, err error) {
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithMemoryLimitPages(1024).WithCloseOnContextDone(true).WithDebugInfoEnabled(false))
	end = func() error { return rt.Close(context.WithoutCancel(ctx)) }
	defer func() {
		if err != nil {
			err = errors.Join(err, end())
		}
	}()
	if _, err = wasi_snapshot_preview1.Instantiate(ctx, rt); err != nil {
		return nil, nil, err
	}
	if err = offer(ctx, rt); err != nil {
		return nil, nil, err
	}
	m, err := rt.Instantiate(ctx, bin)
	if err != nil {
		return nil, nil, err
	}
	find, mem := m.ExportedFunction("find"), m.Memory()
	frame := []byte(`{"op":"adapter.call","model":"echo","port":"echo","deadline":"2026-03-01T12:00:30.123456789Z","arg":"` + payload + `"}`)
	var stack [1]uint64
	call = func(n int) error {
		for range n {
			if !mem.Write(wasmtest.FrameAt, frame) {
				return errors.New("the guest's memory is too small")
			}
			stack[0] = uint64(len(frame))
			if err := find.CallWithStack(ctx, stack[:]); err != nil {
				return err
			}
			at := uint32(stack[0])
			if out, ok := mem.Read(at, uint32(len(frame))-at); !ok || len(out) < len(payload) {
				return fmt.Errorf("%d bytes came back", len(out))
			}
		}
		return nil
	}
	return call, end, nil
}

// offer gives the bare engine what the guest imports and, called so, never uses.
func offer(ctx context.Context, rt wazero.Runtime) error {
	i32 := api.ValueTypeI32
	unused := api.GoFunc(func(context.Context, []uint64) {})
	_, err := rt.NewHostModuleBuilder("aegis_v1").
		NewFunctionBuilder().WithGoFunction(unused, []api.ValueType{i32}, nil).Export("recv").
		NewFunctionBuilder().WithGoFunction(unused, []api.ValueType{i32, i32, i32}, []api.ValueType{i32}).Export("send").
		Instantiate(ctx)
	return err
}
