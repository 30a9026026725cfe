// Package query says which documents are wanted: a tree of conditions, an
// order, a page, members, groups. It is data. Everything here is pure: nothing
// reads or writes anything but its arguments.
//
// A [Query] comes from a URL ([ParseURL]), from JSON ([ParseJSON]: the body of
// a request, or a guest) or from Go:
//
//	query.Query{
//		Where: query.Field[int64]("price").Gt(10).And(query.Text("status").In("open", "shut")),
//		Sort:  []query.Order{query.Desc("price")},
//	}
//
// [Compile] checks it against the schema of the documents. The [Compiled] query
// is the reference of what it means: Match, Compare and Groups answer any query
// on any driver. [Compiled.Plan] finds what the indexes of a model can do of it,
// and [Run] walks them; it looks at each document itself, so that an index makes
// an answer faster and never another.
//
// # Paths
//
// A path is names with dots between them: home.city. A list stands for its
// elements: items.sku reaches the sku of every item, and tags every tag; a
// condition holds where it holds for some value that is reached. So
//
//	items.sku = "a" and items.qty > 1
//
// holds for an order with an item a, and an item, perhaps another, of which
// there are two. What is missing is null: a path that reaches nothing (a member
// that is absent, a member of what is no object, an element of an empty list)
// reaches null. Every document has id, and createTime and updateTime unless the
// schema uses these names itself.
//
// A name that the schema does not know is refused, and so is a member that is
// write-only: nobody can compare with it, sort or group by it, or select it. Below
// a member for which the schema names no members, any name will do.
//
// # Operators
//
//	eq ne             equal to the value, which may be null; ne is not eq
//	gt gte lt lte     after and before it; never true of null, or of another type
//	in nin            equal to one of the values; nin is not in
//	exists            some value is not null
//	contains          of a text: has the text in it; of a list: has an element that equals
//	starts ends       of a text: begins, ends with it
//
// ne, nin and not are true of documents that do not have the member. Values of
// different types are never equal, and none is before the other. Numbers are
// compared exactly, however long they are: 9007199254740993 is not
// 9007199254740992, and 0.1 is not its nearest binary fraction. (Exponents beyond
// ten to the eighteenth count as that.) Texts are compared by their bytes, so
// that Z is before a. A member of the format date-time is compared as a moment,
// whatever the zone.
//
// # URL
//
//	field=v  field__op=v    compare; all terms must hold
//	field__in=a,b           or repeated; a backslash takes a comma for itself
//	field__exists=false
//	__where=                a condition as text, see below
//	__sort=-price,name      - is descending
//	__limit=50  __skip=0    page
//	__cursor=               next of the page before
//	__fields=name,items.sku what to show of each document
//	__count=true            (or all) count all that match
//	__aggregate=count,sum:price,min:price,max:price,avg:price
//	__group=status,home.city
//	__explain=true          how would it be answered
//
// Values get the types of the schema. Where it gives none, a value is read as
// JSON if it is a number, true, false, null or a text in quotes, and as it stands
// if not. A member whose own name ends like an operator is that member.
//
// # Text
//
//	price > 10 and (status in ("a", "b") or not exists(tracking))
//
//	condition  = and { "or" and }
//	and        = not { "and" not }
//	not        = "not" not | "(" condition ")" | "exists" "(" path ")" | comparison
//	comparison = path ( "=" | "!=" | "<" | "<=" | ">" | ">=" | "contains" | "starts" | "ends" ) value
//	           | path [ "not" ] "in" "(" value { "," value } ")"
//	path       = name { "." name }
//	name       = letter or _ $ @, then these, digits and - | "`" anything but a backtick "`"
//	value      = "text" or 'text' with the escapes of JSON | number | true | false | null
//
// == is =, and <> is !=. Keywords may be in any case; a member of such a name
// goes in backticks. A mistake is told with the byte at which it is.
//
// # JSON
//
//	{"where": {"and": [
//	    {"path": "price", "op": "gt", "value": 10},
//	    {"or": [{"path": "status", "op": "in", "values": ["a", "b"]},
//	            {"not": {"path": "tracking", "op": "exists"}}]}]},
//	 "sort": ["-price", "name"], "limit": 50, "skip": 0, "cursor": "...",
//	 "fields": ["name"], "count": true, "explain": false,
//	 "group": {"by": ["status"], "aggregate": ["count", "sum:price"]}}
//
// All members are optional; others are refused.
//
// # Order
//
// Documents are sorted as modelspec.IndexKey sorts the values of a member of its
// type: null, false and true, numbers, texts, moments, and objects last. That is
// exact for integers of 64 bits, moments and texts of up to 512 bytes; other
// numbers sort by the nearest float64, longer texts by their first 512 bytes and
// then by a hash. What is not of the member's type sorts as a text. Documents
// that are equal in all keys are sorted by id, in the direction of the last key,
// so that the order is total.
//
// A cursor is a place in that order, with a fingerprint of condition and order:
// it is refused by any other query. Documents that come and go while somebody
// pages are listed if they stand behind the place then; none that was there all
// the time and did not move is missed or listed twice. It is not secret: who has
// it can read the sort keys of one document that was listed.
//
// # Groups
//
// Equal values make one group: 1 and 1.0, and one moment in two zones. Sums are
// exact; averages are rounded to 34 digits, the nearest, and the even one of
// two; min and max leave null out. An answer has at most [MaxGroups] groups.
//
// # Limits
//
// They are the constants of this package. What is over one of them, and any
// other mistake, is modelspec.ErrInvalid: the Fields of the error name each wrong
// term, by its name in the URL or its place in the JSON, and Detail says what is
// wanted. There are no regular expressions. One document costs the length of its
// JSON, and of the values of the query that it is compared with.
package query
