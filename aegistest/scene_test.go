package aegistest_test

import (
	"context"
	"strings"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/aegistest"
	"github.com/org/aegis/port"
)

func join(ss []string) string { return strings.Join(ss, " ") }

// bound joins a port with Undo to a service.
func bound[M, Req, Res any](p port.Outbound[M, Req, Res], s *aegistest.Service[Req, Res]) adapter.Adapter {
	return adapter.BindUndo(p, s.Do, s.Undo)
}

// logged is bound, and writes down what is asked.
func logged[M, Req, Res any](p port.Outbound[M, Req, Res], s *aegistest.Service[Req, Res], name string, log *[]string) adapter.Adapter {
	return adapter.BindUndo(p, func(ctx context.Context, req Req) (Res, error) {
		*log = append(*log, name)
		return s.Do(ctx, req)
	}, func(ctx context.Context, t adapter.Taken[Req, Res]) error {
		*log = append(*log, "undo "+name)
		return s.Undo(ctx, t)
	})
}
