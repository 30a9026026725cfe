package query_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/query"
)

func TestParseURL(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"", `{}`},
		{"name=a", `{"where":{"op":"eq","path":"name","value":"a"}}`},
		{"name=5", `{"where":{"op":"eq","path":"name","value":"5"}}`},
		{"price=5", `{"where":{"op":"eq","path":"price","value":5}}`},
		{"price=5.0", `{"where":{"op":"eq","path":"price","value":5}}`},
		{"weight__gte=1e2", `{"where":{"op":"gte","path":"weight","value":100}}`},
		{"open=true", `{"where":{"op":"eq","path":"open","value":true}}`},
		{"since__lt=2024-01-01T12:00:00%2B02:00", `{"where":{"op":"lt","path":"since","value":"2024-01-01T10:00:00Z"}}`},
		{"name__in=a,b%5C,c,", `{"where":{"op":"in","path":"name","values":["a","b,c",""]}}`},
		{"name__in=a&name__in=b,c", `{"where":{"op":"in","path":"name","values":["a","b","c"]}}`},
		{"price__nin=1,2", `{"where":{"op":"nin","path":"price","values":[1,2]}}`},
		{"note__exists=true", `{"where":{"op":"exists","path":"note"}}`},
		{"note__exists=false", `{"where":{"not":{"op":"exists","path":"note"}}}`},
		{"note__exists", `{"where":{"op":"exists","path":"note"}}`},
		{"items.sku=a&price__gt=1&price__lt=9", `{"where":{"and":[{"op":"eq","path":"items.sku","value":"a"},{"op":"gt","path":"price","value":1},{"op":"lt","path":"price","value":9}]}}`},
		{"any.x=5&any.y=%225%22&any.z=null&any.q=what", `{"where":{"and":[{"op":"eq","path":"any.q","value":"what"},{"op":"eq","path":"any.x","value":5},{"op":"eq","path":"any.y","value":"5"},{"op":"eq","path":"any.z","value":null}]}}`},
		{"a__gt=x", `{"where":{"op":"eq","path":"a__gt","value":"x"}}`},
		{"a__gt__gt=x", `{"where":{"op":"gt","path":"a__gt","value":"x"}}`},
		{"name=x&__where=price+>+10+and+(status+in+('a',%22b%22)+or+not+exists(note))", `{"where":{"and":[{"op":"gt","path":"price","value":10},{"or":[{"op":"in","path":"status","values":["a","b"]},{"not":{"op":"exists","path":"note"}}]},{"op":"eq","path":"name","value":"x"}]}}`},
		{"__sort=-price,name&__limit=5&__skip=10&__fields=name,home.city&__count=true&__explain", `{"sort":["-price","name"],"limit":5,"skip":10,"fields":["name","home.city"],"count":true,"explain":true}`},
		{"__count=all&__explain=false", `{"count":true}`},
		{"__aggregate=count,sum:price,avg:items.cost&__group=status,home.city", `{"group":{"aggregate":["count","sum:price","avg:items.cost"],"by":["status","home.city"]}}`},
		{"__group=status", `{"group":{"by":["status"]}}`},
		{"createTime__gt=2024-01-01T00:00:00Z&id__starts=a", `{"where":{"and":[{"op":"gt","path":"createTime","value":"2024-01-01T00:00:00Z"},{"op":"starts","path":"id","value":"a"}]}}`},
	} {
		q, err := parse(t, c.url)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		got := strings.ReplaceAll(toJSON(t, q), `\u003e`, ">")
		if got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.url, got, c.want)
		}
		again, err := query.ParseJSON([]byte(got), schema(t))
		if err != nil || toJSON(t, again) != toJSON(t, q) {
			t.Errorf("%s: does not read back: %v", got, err)
		}
	}
}

func TestBadURL(t *testing.T) {
	deep := strings.Repeat("not(", 40) + "open=true" + strings.Repeat(")", 40)
	wide := strings.Repeat("open=true or ", 300) + "open=true"
	for _, c := range []struct{ url, pointer, detail string }{
		{"prize=5", "/prize", "there is no member prize: did you mean price?"},
		{"home.cty=5", "/home.cty", "there is no member cty in home: did you mean city?"},
		{"price.x=5", "/price.x", "there is no member x in price"},
		{"price=x", "/price", "a whole number is wanted"}, {"price=1.5", "/price", "a whole number is wanted"}, {"price=", "/price", "a whole number is wanted"},
		{"price__gt=x", "/price__gt", "a whole number is wanted"}, {"weight=0x10", "/weight", "a number is wanted"}, {"weight=Inf", "/weight", "a number is wanted"},
		{"weight=NaN", "/weight", "a number is wanted"}, {"open=1", "/open", "true or false is wanted"}, {"since=today", "/since", "a time as in 2006-01-02T15:04:05Z is wanted"},
		{"price__gr=5", "/price__gr", "there is no operator gr: did you mean gt?"}, {"price__regex=5", "/price__regex", "there is no operator regex"},
		{"price__contains=5", "/price__contains", "contains is for texts"}, {"since__starts=2024", "/since__starts", "starts is for texts"}, {"home=x", "/home", "it is an object"},
		{"items__gt=5", "/items__gt", "it is an object"}, {"name=a&name=b", "/name", "is given 2 times: for any of them write name__in=a,b"},
		{"secret=x", "/secret", "secret is write-only"}, {"secret__exists=true", "/secret__exists", "write-only"}, {"items.pin=1", "/items.pin", "write-only"}, {"vault.key__starts=a", "/vault.key__starts", "write-only"},
		{"parent.secret=1", "/parent.secret", "write-only"}, {"parent.parent.items.pin=1", "/parent.parent.items.pin", "write-only"}, {"__sort=secret", "/__sort", "write-only"},
		{"__fields=name,secret", "/__fields", "write-only"}, {"__fields=items.pin", "/__fields", "write-only"}, {"__group=secret", "/__group", "write-only"}, {"__aggregate=min:vault.key", "/__aggregate", "write-only"},
		{"__where=secret%3D'a'", "/__where", "at byte 0: secret is write-only"}, {"secre=1", "/secre", "there is no member secre"},
		{"__sort=", "/__sort", "name a member"}, {"__sort=prize", "/__sort", "did you mean price?"}, {"__sort=name,-name", "/__sort", "name is given twice"}, {"__sort=tags", "/__sort", "goes through a list"},
		{"__sort=items.sku", "/__sort", "goes through a list"}, {"__sort=home", "/__sort", "is an object"}, {"__sort=a,b,c,d,e,f,g,h,i", "/__sort", "over 8 sort keys"},
		{"__limit=0", "/__limit", "1 to 500 is wanted"}, {"__limit=x", "/__limit", "1 to 500 is wanted"}, {"__limit=501", "/__limit", "1 to 500"}, {"__skip=-1", "/__skip", "0 to 10000"}, {"__skip=10001", "/__skip", "0 to 10000"},
		{"__limit=5&__limit=6", "/__limit", "is given 2 times"}, {"__cursor=", "/__cursor", "is empty"}, {"__count=maybe", "/__count", "true or false"}, {"__srot=x", "/__srot", "did you mean __sort?"},
		{"__aggregate=median:price", "/__aggregate", "there is no median"}, {"__aggregate=cuont", "/__aggregate", "did you mean count?"}, {"__aggregate=sum:name", "/__aggregate", "it is no number"}, {"__aggregate=sum", "/__aggregate", "a path is missing"},
		{"__aggregate=count:name", "/__aggregate", "count is of documents"}, {"__group=tags", "/__group", "goes through a list"}, {"__group=status&__sort=name", "/__group", "leave out __sort"}, {"__group=status,status", "/__group", "twice"},
		{"__where=", "/__where", "at byte 0: the end where a condition"}, {"__where=price", "/__where", "at byte 5: the end where =, !="}, {"__where=price+>", "/__where", "at byte 7: the end where a value"},
		{"__where=status+%3D+open", "/__where", `at byte 9: open where a value (a text goes in quotes: "open")`}, {"__where=(price+>+1", "/__where", "at byte 10: the end where ) is wanted"},
		{"__where=price+>+1)", "/__where", "at byte 9: ) where and, or, or the end"}, {"__where=price+>+1+price", "/__where", "at byte 10"}, {"__where=open%3Dtrue+and+prize+>+1", "/__where", "at byte 14: there is no member prize: did you mean price?"},
		{"__where=name+%3D+'x", "/__where", "at byte 7: the text is not closed"}, {"__where=name+%3D+'%5Cq'", "/__where", "an escape that JSON does not have"}, {"__where=price+>+1.", "/__where", "at byte 8: 1. is no number"}, {"__where=price+in+()", "/__where", "at byte 10: ) where a value"},
		{"__where=price+in+(1,)", "/__where", "at byte 12"}, {"__where=%25", "/__where", "at byte 0: % where a name is wanted"}, {"__where=`price", "/__where", "not closed by a backtick"}, {"__where=price+not+like+1", "/__where", "at byte 10: like where in is wanted"},
		{"__where=exists(1)", "/__where", "at byte 7: 1 where a path"}, {"__where=a..b%3D1", "/__where", ". where a name is wanted"}, {"__where=price+>+null", "/__where", "nothing is before or after null"},
		{"__where=" + url.QueryEscape(deep), "/__where", "nested deeper than 16"}, {"__where=" + url.QueryEscape(wide), "/__where", "over 256"},
		{"__where=" + url.QueryEscape("name = '"+strings.Repeat("x", 97<<10)+"'"), "/__where", "over 98304 bytes"}, {"name=" + strings.Repeat("x", 70<<10), "/__where", "over 65536 bytes of values"},
		{"price__in=" + strings.Repeat("1,", 1000) + "1", "/price__in", "in has 1001 values: 1000 are the most"}, {strings.Repeat("a.", 200) + "b=1", "", "the path is over 256 bytes"},
		{"name=%FF", "/name", "no UTF-8"}, {"na%FFme=x", "", "UTF-8"}, {"home..city=x", "/home..city", "a name between dots is missing"}, {"=x", "/", "a path is missing"}, {"na%60me=x", "", "backticks"},
	} {
		_, err := parse(t, c.url)
		e := modelspec.AsError(err)
		if err == nil || e.Code != modelspec.ErrInvalid || len(e.Fields) == 0 {
			t.Errorf("%.80s: %v", c.url, err)
			continue
		}
		f := e.Fields[0]
		if c.pointer != "" && f.Pointer != c.pointer || f.Rule != "query" || !strings.Contains(f.Detail, c.detail) || len(err.Error()) > 600 {
			t.Errorf("%.80s: %v", c.url, err)
		}
		if strings.Contains(err.Error(), "did you mean secret") {
			t.Errorf("%s: a secret is suggested", c.url)
		}
	}
	terms := url.Values{}
	for i := range 65 {
		terms.Set(fmt.Sprint("x", i), "1")
	}
	if _, err := query.ParseURL(terms, nil); !errors.Is(err, modelspec.ErrInvalid) {
		t.Error(err)
	}
	if _, err := parse(t, "prize=1&__limit=0&status__like=2"); len(modelspec.AsError(err).Fields) != 3 {
		t.Errorf("not all mistakes are named: %v", err)
	}
}

func TestBadJSON(t *testing.T) {
	compare := `{"path":"price","op":"gt","value":1}`
	for _, c := range []struct{ json, pointer, detail string }{
		{``, "", "value expected"}, {`[]`, "", "a query is an object"}, {`{"where":1}`, "/where", "a condition is an object"}, {`{"were":1}`, "/were", "did you mean where?"}, {`{"limit":1,"limit":1}`, "/limit", ""},
		{`{"where":{"and":[` + compare + `,{"path":"prize","op":"eq","value":1}]}}`, "/where/and/1", "did you mean price?"}, {`{"where":{"and":[]}}`, "/where/and", "a list of conditions"}, {`{"where":{"and":` + compare + `}}`, "/where/and", "a list"},
		{`{"where":{"and":[` + compare + `],"path":"x"}}`, "/where", "and stands alone"}, {`{"where":{"not":[]}}`, "/where/not", "an object"}, {`{"where":{"path":"price","op":"gt"}}`, "/where", "gt has 0 values"},
		{`{"where":{"path":"price","op":"gt","value":[1]}}`, "/where/value", "a text, number"}, {`{"where":{"path":"price","op":"in","value":1}}`, "/where", "values is for in"}, {`{"where":{"path":"price","op":"in","values":[]}}`, "/where", "in has no values"},
		{`{"where":{"path":"price","op":"gt","values":[1]}}`, "/where", "values is for in"}, {`{"where":{"path":"price","op":"gtt","value":1}}`, "/where/op", "did you mean gt?"}, {`{"where":{"path":"price","op":"gt","val":1}}`, "/where/val", "did you mean value?"},
		{`{"where":{"path":"price","op":"gt","value":"1"}}`, "/where", "a whole number"}, {`{"where":{"path":5,"op":"gt","value":1}}`, "/where/path", "a text is wanted"}, {`{"sort":"price"}`, "/sort", "a list of at most 8 texts"}, {`{"sort":[1]}`, "/sort/0", "a text"},
		{`{"limit":"5"}`, "/limit", "1 to 500"}, {`{"limit":1e2}`, "/limit", "1 to 500"}, {`{"count":1}`, "/count", "true or false"}, {`{"group":[]}`, "/group", "an object"}, {`{"group":{"bye":[]}}`, "/group/bye", "did you mean by?"},
		{`{"where":` + strings.Repeat(`{"not":`, 20) + compare + strings.Repeat(`}`, 20) + `}`, "/__where", "nested deeper than 16"}, {`{"where":{"or":[` + strings.Repeat(compare+",", 256) + compare + `]}}`, "/__where", "over 256"},
		{`{"where":{"path":"name","op":"eq","value":"` + strings.Repeat("x", 70<<10) + `"}}`, "/__where", "over 65536 bytes"}, {`{"cursor":"` + strings.Repeat("x", 1<<20) + `"}`, "", "over 1048576 bytes"}, {`{"cursor":"` + strings.Repeat("x", 9000) + `"}`, "/__cursor", "not of this list"},
	} {
		_, err := query.ParseJSON([]byte(c.json), schema(t))
		e := modelspec.AsError(err)
		if err == nil || e.Code != modelspec.ErrInvalid || len(e.Fields) == 0 || e.Fields[0].Pointer != c.pointer || !strings.Contains(e.Fields[0].Detail, c.detail) {
			t.Errorf("%.80s: %v", c.json, err)
		}
	}
	var q query.Query
	if err := q.UnmarshalJSON([]byte(`{"where":{"path":"anything","op":"eq","value":1}}`)); err != nil {
		t.Error(err)
	}
	if _, err := query.Compile(&q, schema(t)); !errors.Is(err, modelspec.ErrInvalid) {
		t.Error("an unknown member is compiled")
	}
}

// What a condition is written as means the same when it is read.
func TestTextReadsBack(t *testing.T) {
	for _, text := range []string{
		"price > 10", `name = "a \"b\" <c>"`, "not (price > 1 and open = true)", "(price > 1 or open = true) and exists(note)", "not not open = true", "status not in (\"a\", \"b\")", "any.`odd name`.not contains \"x\"", "any.x = null", "not exists(any.a-b)",
	} {
		e, err := query.ParseWhere(text)
		if err != nil || e.String() != text {
			t.Errorf("%s: %v %v", text, e, err)
		}
	}
	for text, want := range map[string]string{
		"PRICE == 1": "PRICE = 1", "a <> 1 AND b = 'x\\'y'": `a != 1 and b = "x'y"`, "a=1 or b=2 and not c=3": "a = 1 or b = 2 and not c = 3", "((a=1))": "a = 1",
	} {
		if e, err := query.ParseWhere(text); err != nil || e.String() != want {
			t.Errorf("%s: %v %v", text, e, err)
		}
	}
}

func TestOpenSchemas(t *testing.T) {
	far := remote(t, `{"type":"object","properties":{"known":{"type":"object"},"map":{"type":"object","additionalProperties":{"type":"integer"}},"shut":{"type":"object","additionalProperties":false},
		"either":{"anyOf":[{"type":"array","items":{"$ref":"#/$defs/x"}},{"type":"null"}]}},"$defs":{"x":{"type":"object","properties":{"s":{"type":"string","writeOnly":true},"kids":{"type":"array","items":{"$ref":"#/$defs/x"}},"n":{"type":"number"}}}}}`).Descriptor().Schema
	for raw, ok := range map[string]bool{
		"known.x.y=1": true, "map.a=1": true, "map.a=x": false, "shut.x=1": false, "other=1": false, "either.n=1": true, "either.s=1": false, "either.kids.kids.n__lt=5": true, "either.kids.s=x": false, "__sort=either.n": false,
	} {
		terms, _ := url.ParseQuery(raw)
		if _, err := query.ParseURL(terms, far); (err == nil) != ok {
			t.Errorf("%s: %v", raw, err)
		}
	}
	if _, err := query.ParseURL(url.Values{"any.thing__gt": {"5"}, "__sort": {"x"}}, nil); err != nil {
		t.Error(err)
	}
}
