package wasm_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/wasm"
	"github.com/org/aegis/wasm/wasmtest"
)

// printer writes n times the 16 bytes of a line to stdout through WASI.
func printer(n int32) []byte {
	m := wasmtest.New()
	recv := m.Import("aegis_v1", "recv", wasmtest.I32, "")
	send := m.Import("aegis_v1", "send", wasmtest.I32+wasmtest.I32+wasmtest.I32, wasmtest.I32)
	write := m.Import("wasi_snapshot_preview1", "fd_write", wasmtest.I32+wasmtest.I32+wasmtest.I32+wasmtest.I32, wasmtest.I32)
	m.Memory(1, 0)
	m.Export("memory", wasmtest.KindMemory, 0)
	m.Data(1024, []byte{0, 8, 0, 0, 16, 0, 0, 0}) // iovec: 2048, 16
	m.Data(2048, []byte("hello from wasm\n{}"))
	m.Export("aegis_handle", wasmtest.KindFunc, m.Func(wasmtest.I32, "", wasmtest.I32,
		wasmtest.I32Const(0), wasmtest.Call(recv),
		wasmtest.Loop,
		wasmtest.I32Const(1), wasmtest.I32Const(1024), wasmtest.I32Const(1), wasmtest.I32Const(512), wasmtest.Call(write), wasmtest.Drop,
		wasmtest.LocalGet(1), wasmtest.I32Const(1), wasmtest.Add, wasmtest.LocalTee(1), wasmtest.I32Const(n), wasmtest.LtU, wasmtest.BrIf(0),
		wasmtest.End,
		wasmtest.I32Const(0), wasmtest.I32Const(2064), wasmtest.I32Const(2), wasmtest.Call(send), wasmtest.Drop))
	return m.Bytes()
}

func TestPrints(t *testing.T) {
	var log bytes.Buffer
	c := connect(t, wasm.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, printer(2))
	exchange(t, c, ask, "{}")
	if n := strings.Count(log.String(), `msg="wasm: guest prints" module=test stream=stdout line="hello from wasm"`); n != 2 {
		t.Errorf("%d lines in\n%s", n, log.String())
	}
	log.Reset()
	c = connect(t, wasm.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, printer(100_000))
	for range 2 { // the budget is a call's
		log.Reset()
		exchange(t, c, ask, "{}")
		if n := strings.Count(log.String(), "hello from wasm"); n != 4096 {
			t.Errorf("%d lines, want 64 KiB of them", n)
		}
		if strings.Count(log.String(), "is dropped") != 1 {
			t.Error("nobody is told that output is dropped")
		}
	}
}

// exiter calls proc_exit.
func exiter() []byte {
	m := wasmtest.New()
	recv := m.Import("aegis_v1", "recv", wasmtest.I32, "")
	exit := m.Import("wasi_snapshot_preview1", "proc_exit", wasmtest.I32, "")
	m.Memory(1, 0)
	m.Export("memory", wasmtest.KindMemory, 0)
	m.Export("aegis_handle", wasmtest.KindFunc, m.Func(wasmtest.I32, "", "",
		wasmtest.I32Const(0), wasmtest.Call(recv), wasmtest.I32Const(0), wasmtest.Call(exit)))
	return m.Bytes()
}

func TestExit(t *testing.T) {
	c := connect(t, wasm.Config{}, exiter())
	for range 2 {
		_, err := c.Exchange(t.Context(), []byte(ask), nil)
		if !errors.Is(err, modelspec.ErrUnavailable) || modelspec.NotSent(err) {
			t.Errorf("got %v (not sent: %t)", err, modelspec.NotSent(err))
		}
	}
	if live, _ := wasm.Live(c); live != 0 {
		t.Errorf("%d live", live)
	}
}

// A guest that sleeps is woken by the deadline.
func TestSleep(t *testing.T) {
	m := wasmtest.New()
	recv := m.Import("aegis_v1", "recv", wasmtest.I32, "")
	poll := m.Import("wasi_snapshot_preview1", "poll_oneoff", wasmtest.I32+wasmtest.I32+wasmtest.I32+wasmtest.I32, wasmtest.I32)
	m.Memory(1, 0)
	m.Export("memory", wasmtest.KindMemory, 0)
	sub := make([]byte, 48) // a subscription to the clock 1, monotonic, ...
	sub[16] = 1             // clock id
	sub[24+7] = 0x10        // ... after 36 years
	m.Data(1024, sub)
	m.Export("aegis_handle", wasmtest.KindFunc, m.Func(wasmtest.I32, "", "",
		wasmtest.I32Const(0), wasmtest.Call(recv),
		wasmtest.I32Const(1024), wasmtest.I32Const(2048), wasmtest.I32Const(1), wasmtest.I32Const(512), wasmtest.Call(poll), wasmtest.Drop))
	c := connect(t, wasm.Config{}, m.Bytes())
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := c.Exchange(ctx, []byte(ask), nil); !errors.Is(err, modelspec.ErrDeadline) {
		t.Errorf("got %v, want deadline_exceeded", err)
	}
	if d := time.Since(began); d < 20*time.Millisecond || d > 5*time.Second {
		t.Errorf("slept %s", d)
	}
}
