package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/org/aegis/internal/flow"
)

// answerHost serves one entry of Config.Host. A nil answer is 204. The body is
// bounded for it, and its content type and checks are its own affair.
func answerHost(answer func(context.Context, *http.Request) (any, error)) func(context.Context, *exchange) error {
	return func(ctx context.Context, x *exchange) error {
		r := x.r
		if hasBody(r) {
			r.Body = http.MaxBytesReader(x.w, r.Body, x.h.cfg.MaxBody)
		}
		v, err := answer(ctx, r)
		if err != nil {
			return tooLarge(err)
		}
		if v == nil {
			x.nothing(flow.Generation{})
			return nil
		}
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("httpapi: encode answer of %s: %w", x.name, err)
		}
		x.json(http.StatusOK, b, flow.Generation{})
		return nil
	}
}
