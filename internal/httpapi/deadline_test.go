package httpapi_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/internal/httpapi"
)

type ctxKey struct{}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent := context.WithValue(t.Context(), ctxKey{}, "v")
		for _, armed := range []bool{true, false} {
			check := func(what string, ctx context.Context, want error) {
				t.Helper()
				if err := ctx.Err(); !errors.Is(err, want) || (err == nil) != (want == nil) {
					t.Errorf("%s, armed %v: %v, want %v", what, armed, err, want)
				}
				if !armed && want == nil {
					return
				}
				select {
				case <-ctx.Done():
					if want == nil {
						t.Errorf("%s, armed %v: done", what, armed)
					}
				default:
					if want != nil {
						t.Errorf("%s, armed %v: not done", what, armed)
					}
				}
			}
			begin := func(parent context.Context) (context.Context, func()) {
				ctx, end := httpapi.NewDeadline(parent, time.Now().Add(time.Second))
				check("at first", ctx, nil)
				if ctx.Value(ctxKey{}) != "v" {
					t.Error("a value is lost")
				}
				return ctx, end
			}

			ctx, end := begin(parent)
			time.Sleep(999 * time.Millisecond)
			check("before", ctx, nil)
			time.Sleep(time.Millisecond)
			synctest.Wait() // for the timer, which is due at the same moment
			check("after", ctx, context.DeadlineExceeded)
			end()
			check("after and ended", ctx, context.DeadlineExceeded)

			ctx, end = begin(parent)
			end()
			check("ended", ctx, context.Canceled)

			up, cancel := context.WithCancel(parent)
			ctx, end = begin(up)
			cancel()
			check("parent gone", ctx, context.Canceled)
			end()

			up, cancel = context.WithTimeout(parent, time.Millisecond)
			ctx, end = begin(up)
			if at, ok := ctx.Deadline(); !ok || time.Until(at) != time.Millisecond {
				t.Error("the parent ends sooner")
			}
			cancel()
			end()

			ctx, end = begin(parent)
			ctx.Done()
			before := runtime.NumGoroutine()
			child, stop := context.WithCancel(ctx)
			if n := runtime.NumGoroutine(); n != before {
				t.Errorf("a child needs %d goroutines", n-before)
			}
			time.Sleep(time.Second)
			<-child.Done()
			check("child", child, context.DeadlineExceeded)
			if c := context.Cause(child); !errors.Is(c, context.DeadlineExceeded) {
				t.Error(c)
			}
			stop()
			end()
		}
	})
}
