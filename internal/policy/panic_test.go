package policy_test

import (
	"errors"
	"testing"

	"github.com/org/aegis/internal/policy"
	"github.com/org/aegis/modelspec"
)

func TestRecover(t *testing.T) {
	f := func() (err error) {
		defer policy.Recover("a test", &err)
		panic("boom")
	}
	err := f()
	p, ok := errors.AsType[*policy.Panic](err)
	if !ok || modelspec.CodeOf(err) != modelspec.ErrInternal || len(p.Stack) == 0 {
		t.Error(err)
	}
}
