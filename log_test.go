package aegis_test

import "log/slog"

// quiet is for tests that provoke what is worth a line in the log.
var quiet = slog.New(slog.DiscardHandler)
