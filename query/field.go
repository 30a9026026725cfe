package query

import "time"

// Scalar are the Go types that a member is compared with.
type Scalar interface {
	~bool | ~string | ~int | ~int8 | ~int16 | ~int32 | ~int64 |
		~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64 | time.Time
}

// Field is the path of a member whose values are T. It makes conditions:
//
//	query.Field[int64]("price").Gt(10).And(query.Text("status").In("a", "b"))
//
// Whether there is such a member, and of such a type, is checked against the
// schema when the query is compiled.
type Field[T Scalar] string

func (f Field[T]) Eq(v T) Expr       { return one(string(f), Eq, v) }
func (f Field[T]) Ne(v T) Expr       { return one(string(f), Ne, v) }
func (f Field[T]) Gt(v T) Expr       { return one(string(f), Gt, v) }
func (f Field[T]) Gte(v T) Expr      { return one(string(f), Gte, v) }
func (f Field[T]) Lt(v T) Expr       { return one(string(f), Lt, v) }
func (f Field[T]) Lte(v T) Expr      { return one(string(f), Lte, v) }
func (f Field[T]) In(vs ...T) Expr   { return many(string(f), In, vs) }
func (f Field[T]) Nin(vs ...T) Expr  { return many(string(f), Nin, vs) }
func (f Field[T]) Exists() Expr      { return Compare{Path: string(f), Op: Exists} }
func (f Field[T]) Missing() Expr     { return Not{f.Exists()} }
func (f Field[T]) Contains(v T) Expr { return one(string(f), Contains, v) }
func (f Field[T]) Asc() Order        { return Asc(string(f)) }
func (f Field[T]) Desc() Order       { return Desc(string(f)) }

// Between holds for low and high and what is between them.
func (f Field[T]) Between(low, high T) Expr { return And{f.Gte(low), f.Lte(high)} }

// Text is the path of a member that is a text.
type Text string

func (f Text) Eq(s string) Expr       { return one(string(f), Eq, s) }
func (f Text) Ne(s string) Expr       { return one(string(f), Ne, s) }
func (f Text) Gt(s string) Expr       { return one(string(f), Gt, s) }
func (f Text) Gte(s string) Expr      { return one(string(f), Gte, s) }
func (f Text) Lt(s string) Expr       { return one(string(f), Lt, s) }
func (f Text) Lte(s string) Expr      { return one(string(f), Lte, s) }
func (f Text) In(ss ...string) Expr   { return many(string(f), In, ss) }
func (f Text) Nin(ss ...string) Expr  { return many(string(f), Nin, ss) }
func (f Text) Exists() Expr           { return Compare{Path: string(f), Op: Exists} }
func (f Text) Missing() Expr          { return Not{f.Exists()} }
func (f Text) Contains(s string) Expr { return one(string(f), Contains, s) }
func (f Text) Starts(s string) Expr   { return one(string(f), Starts, s) }
func (f Text) Ends(s string) Expr     { return one(string(f), Ends, s) }
func (f Text) Asc() Order             { return Asc(string(f)) }
func (f Text) Desc() Order            { return Desc(string(f)) }

func one(path string, op Op, v any) Expr { return Compare{Path: path, Op: op, Values: []any{v}} }

func many[T any](path string, op Op, vs []T) Expr {
	c := Compare{Path: path, Op: op, Values: make([]any, len(vs))}
	for i, v := range vs {
		c.Values[i] = v
	}
	return c
}
