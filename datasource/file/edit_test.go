package file_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/file"
	"github.com/org/aegis/modelspec"
)

// edited is a store whose folders are searched when the test says so.
type edited struct {
	t     *testing.T
	dir   string
	store *file.Store
	c     datasource.Collection
}

func openEdited(t *testing.T) *edited {
	e := &edited{t: t, dir: t.TempDir()}
	e.store = file.New(file.Config{Dir: e.dir, NoSync: true, Watch: -1})
	e.c = collection(t, e.store, "orders")
	t.Cleanup(func() {
		if err := e.store.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func (e *edited) path(id string) string { return filepath.Join(e.dir, file.Path("orders", id)) }

func (e *edited) put(id string, revision int64, data string, index ...datasource.Entry) {
	e.t.Helper()
	d := datasource.Document{ID: id, Revision: revision, Data: modelspec.FromJSON([]byte(data)), Index: index}
	if err := e.c.Put(e.t.Context(), d); err != nil {
		e.t.Fatal(err)
	}
}

// replace is what a person does in an editor that writes in place. The time is
// set an hour back, and another one each time, as if it were long ago.
func (e *edited) replace(id, old, now string) {
	e.t.Helper()
	text, err := os.ReadFile(e.path(id))
	if err != nil {
		e.t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		e.t.Fatalf("%q is not in %s", old, text)
	}
	write(e.t, e.path(id), strings.Replace(string(text), old, now, 1))
	e.age(id)
}

func (e *edited) age(id string) {
	e.t.Helper()
	info, err := os.Stat(e.path(id))
	if err != nil {
		e.t.Fatal(err)
	}
	at := info.ModTime().Add(-time.Hour)
	if err := os.Chtimes(e.path(id), at, at); err != nil {
		e.t.Fatal(err)
	}
}

func (e *edited) look() {
	e.t.Helper()
	if err := e.store.Look(e.t.Context()); err != nil {
		e.t.Fatal(err)
	}
}

func (e *edited) want(id string, revision int64, data string) {
	e.t.Helper()
	d, err := e.c.Get(e.t.Context(), id)
	if err != nil {
		e.t.Fatal(err)
	}
	if raw, err := d.Data.JSON(); err != nil || string(raw) != data || d.Revision != revision {
		e.t.Fatalf("%s is revision %d, %s, %v; want %d, %s", id, d.Revision, raw, err, revision, data)
	}
}

func (e *edited) fails(id string, want modelspec.Code, about ...string) {
	e.t.Helper()
	_, err := e.c.Get(e.t.Context(), id)
	if modelspec.CodeOf(err) != want {
		e.t.Fatalf("Get(%s): %v, want %s", id, err, want)
	}
	for _, text := range about {
		if !strings.Contains(err.Error(), text) {
			e.t.Errorf("Get(%s): %q does not say %q", id, err, text)
		}
	}
}

func (e *edited) list(q datasource.Query) string {
	var out []string
	for d, err := range e.c.List(e.t.Context(), q) {
		if err != nil {
			out = append(out, d.ID+"!"+string(modelspec.CodeOf(err)))
			continue
		}
		out = append(out, d.ID)
	}
	return strings.Join(out, " ")
}

func (e *edited) wantList(want string) {
	e.t.Helper()
	if got := e.list(datasource.Query{}); got != want {
		e.t.Fatalf("List: %s, want %s", got, want)
	}
}

func TestEditIsRevision(t *testing.T) {
	e := openEdited(t)
	e.put("a", 1, `{"n":1}`)
	e.put("a", 2, `{"n":2}`)
	e.replace("a", `"n": 2`, `"n": 3`)
	e.want("a", 2, `{"n":2}`) // not looked for
	e.look()
	e.want("a", 3, `{"n":3}`)
	e.look()
	e.want("a", 3, `{"n":3}`) // once is enough
	err := e.c.Put(t.Context(), datasource.Document{ID: "a", Revision: 3})
	if !errors.Is(err, modelspec.ErrConflict) {
		t.Fatalf("a write that did not see the edit: %v", err)
	}
	e.put("a", 4, `{"n":4}`)
	e.want("a", 4, `{"n":4}`)
	e.replace("a", `"rev": 4`, `"rev": 40`) // said by the person
	e.look()
	e.want("a", 40, `{"n":4}`)
	e.replace("a", `"rev": 40`, `"rev": 1`) // never back
	e.look()
	e.want("a", 41, `{"n":4}`)
	before, err := os.ReadFile(e.path("a"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, e.path("a"), string(before)) // saved as it is
	e.age("a")
	e.look()
	e.want("a", 41, `{"n":4}`)
}

// A write does not go over an edit that nobody has looked for.
func TestPutSeesEdit(t *testing.T) {
	e := openEdited(t)
	e.put("a", 1, `{"n":1}`)
	e.replace("a", `"n": 1`, `"n": 7`)
	err := e.c.Put(t.Context(), datasource.Document{ID: "a", Revision: 2})
	if !errors.Is(err, modelspec.ErrConflict) {
		t.Fatalf("the write went over the edit: %v", err)
	}
	e.want("a", 2, `{"n":7}`)
	// One that was made from outside is in the way too.
	write(t, e.path("b"), `{"format":1,"id":"b","rev":1,"data":{"n":5}}`)
	if err := e.c.Put(t.Context(), datasource.Document{ID: "b", Revision: 1}); !errors.Is(err, modelspec.ErrConflict) {
		t.Fatalf("the write went over a new file: %v", err)
	}
	e.want("b", 1, `{"n":5}`)
	// A touched one is not.
	e.age("b")
	e.put("b", 2, `{"n":6}`)
	// A tombstone that was edited is not purged.
	if err := e.c.Put(t.Context(), datasource.Document{ID: "b", Revision: 3, Gone: true}); err != nil {
		t.Fatal(err)
	}
	e.replace("b", `"gone": true`, `"gone": false`)
	if err := e.c.Purge(t.Context(), "b", 3); !errors.Is(err, modelspec.ErrConflict) {
		t.Fatalf("the purge went over the edit: %v", err)
	}
	e.wantList("a b")
}

func TestMadeAndDeletedOutside(t *testing.T) {
	e := openEdited(t)
	unique := datasource.Entry{Name: "mail", Key: "m", Unique: true}
	e.put("a", 1, `{"n":1}`, unique)
	write(t, e.path("New:1"), "\ufeff{ \"format\" : 1,\n\"id\":\"New:1\", \"rev\":1, \"data\": { \"n\" : [ 1 ,2 ] } }\r\n")
	write(t, filepath.Join(e.dir, "orders", "notes.txt"), "not ours")
	write(t, filepath.Join(e.dir, "orders", ".a.json.swp"), "not ours")
	write(t, filepath.Join(e.dir, "orders", "a.json~"), "not ours")
	e.look()
	e.want("New:1", 1, `{"n":[1,2]}`)
	e.wantList("New:1 a")
	if got := e.store.Damaged(); len(got) != 0 {
		t.Errorf("Damaged: %v", got)
	}
	if err := os.Remove(e.path("a")); err != nil {
		t.Fatal(err)
	}
	e.look()
	e.fails("a", modelspec.ErrNotFound)
	e.wantList("New:1")
	if got := e.list(datasource.Query{Index: "mail"}); got != "" {
		t.Errorf("a deleted document is found by its key: %s", got)
	}
	e.put("b", 1, `{}`, unique) // its key is free
	e.put("a", 1, `{"n":9}`)
	e.want("a", 1, `{"n":9}`)
	// Without the cache a file that is gone is seen at once; also by Put.
	if err := os.Remove(e.path("a")); err != nil {
		t.Fatal(err)
	}
	if err := e.c.Put(t.Context(), datasource.Document{ID: "a", Revision: 2}); !errors.Is(err, modelspec.ErrConflict) {
		t.Fatalf("an update of what is gone: %v", err)
	}
	e.put("a", 1, `{"n":10}`)
	e.wantList("New:1 a b")
}

// Some editors take the file away for a moment: the patient search counts on.
func TestSavedByRename(t *testing.T) {
	e := openEdited(t)
	e.put("a", 5-4, `{"n":1}`)
	text, err := os.ReadFile(e.path("a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(e.path("a"), e.path("a")+"~"); err != nil {
		t.Fatal(err)
	}
	if err := e.store.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.fails("a", modelspec.ErrNotFound)
	e.wantList("")
	write(t, e.path("a"), strings.Replace(string(text), `"n": 1`, `"n": 2`, 1))
	e.age("a")
	if err := e.store.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.want("a", 2, `{"n":2}`)
	e.wantList("a")
	if err := os.Remove(e.path("a")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is believed
		if err := e.store.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := file.Known(e.c); n != 0 {
		t.Errorf("%d documents are still known", n)
	}
}

// A file that is no document is in nobody's way, and says what is wrong.
func TestDamaged(t *testing.T) {
	e := openEdited(t)
	for _, id := range []string{"good", "torn", "other", "large", "dir", "link", "pipe"} {
		e.put(id, 1, `{"n":1}`, datasource.Entry{Name: "i", Key: id, Unique: true})
	}
	e.replace("torn", "}", "")
	e.replace("other", `"id": "other"`, `"id": "Other"`)
	if err := os.Truncate(e.path("large"), datasource.MaxSize+1); err != nil {
		t.Fatal(err)
	}
	e.age("large")
	for _, id := range []string{"dir", "link"} {
		if err := os.Remove(e.path(id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(e.path("dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	e.age("dir")
	outside := filepath.Join(t.TempDir(), "secret.json")
	write(t, outside, `{"format":1,"id":"link","rev":1,"data":"secret"}`)
	if err := os.Symlink(outside, e.path("link")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(e.dir, "orders", "Good.json"), `{"format":1,"id":"Good","rev":1}`)
	write(t, filepath.Join(e.dir, "orders", "b d.json"), `{}`)
	file.Settle(e.c) // the link is new
	e.look()
	check := func() {
		t.Helper()
		e.want("good", 1, `{"n":1}`)
		e.fails("torn", modelspec.ErrDataLoss, "orders/torn.json", "is expected at byte", "mend the file or remove it")
		e.fails("other", modelspec.ErrDataLoss, `it says id "Other"`, "other=g.json")
		e.fails("large", modelspec.ErrDataLoss, "bytes, more than")
		e.fails("dir", modelspec.ErrDataLoss, "not a regular file")
		e.fails("link", modelspec.ErrDataLoss, "not a regular file")
		e.wantList("dir!data_loss good large!data_loss link!data_loss other!data_loss pipe torn!data_loss")
		var paths []string
		for _, d := range e.store.Damaged() {
			paths = append(paths, d.Path+"="+d.ID)
			if modelspec.CodeOf(d.Err) != modelspec.ErrDataLoss || d.Collection != "orders" {
				t.Errorf("%+v", d)
			}
			if d.Path == "orders/Good.json" && !strings.Contains(d.Err.Error(), "good=g.json") {
				t.Errorf("a file under a wrong name: %v", d.Err)
			}
		}
		want := "[orders/Good.json= orders/b d.json= orders/dir.json=dir orders/large.json=large orders/link.json=link orders/other.json=other orders/torn.json=torn]"
		if fmt.Sprint(paths) != want {
			t.Errorf("Damaged: %v\nwant %s", paths, want)
		}
	}
	check()
	err := e.c.Put(t.Context(), datasource.Document{ID: "torn", Revision: 2})
	if modelspec.CodeOf(err) != modelspec.ErrDataLoss {
		t.Errorf("a write over a damaged file: %v", err)
	}
	if err := e.c.Purge(t.Context(), "torn", 1); modelspec.CodeOf(err) != modelspec.ErrDataLoss {
		t.Errorf("a purge of a damaged file: %v", err)
	}
	if got := e.list(datasource.Query{Index: "i"}); !strings.Contains(got, "good") || !strings.Contains(got, "torn!data_loss") {
		t.Errorf("index: %s", got)
	}
	if err := e.store.Close(); err != nil {
		t.Fatal(err)
	}
	e.store = file.New(file.Config{Dir: e.dir, NoSync: true, Watch: -1})
	e.c = collection(t, e.store, "orders")
	check()
	// Mended: Get needs nobody to look.
	write(t, e.path("torn"), `{"format":1,"id":"torn","rev":8,"data":{"n":8}}`)
	e.want("torn", 8, `{"n":8}`)
	for _, name := range []string{"Good.json", "b d.json", "dir.json", "link.json", "other.json", "large.json"} {
		if err := os.Remove(filepath.Join(e.dir, "orders", name)); err != nil {
			t.Fatal(err)
		}
	}
	e.look()
	if got := e.store.Damaged(); len(got) != 0 {
		t.Errorf("Damaged: %v", got)
	}
	e.wantList("good pipe torn")
}

// A document that is damaged and mended as it was is the revision it was.
func TestMended(t *testing.T) {
	e := openEdited(t)
	e.put("a", 1, `{"n":1}`, datasource.Entry{Name: "u", Key: "k", Unique: true})
	text, err := os.ReadFile(e.path("a"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, e.path("a"), "")
	e.age("a")
	e.look()
	e.fails("a", modelspec.ErrDataLoss)
	err = e.c.Put(t.Context(), datasource.Document{ID: "b", Revision: 1, Index: []datasource.Entry{{Name: "u", Key: "k", Unique: true}}})
	if !errors.Is(err, modelspec.ErrExists) {
		t.Errorf("the key of a damaged document is free: %v", err)
	}
	write(t, e.path("a"), string(text))
	e.look()
	e.want("a", 1, `{"n":1}`)
	e.put("a", 2, `{"n":2}`)
}

// The file of a moment ago may be half of what somebody is writing: that is
// no damage yet.
func TestHalfWritten(t *testing.T) {
	e := openEdited(t)
	e.put("a", 1, `{"n":1}`)
	file.Evict(e.c)
	now := time.Now().Add(-time.Millisecond)
	write(t, e.path("a"), `{"format":1,"id":"a",`)
	if err := os.Chtimes(e.path("a"), now, now); err != nil {
		t.Fatal(err)
	}
	_, err := e.c.Get(t.Context(), "a")
	if code := modelspec.CodeOf(err); code != modelspec.ErrUnavailable && time.Since(now) < 100*time.Millisecond {
		t.Fatalf("a file that is being written: %v", err)
	}
	e.age("a")
	e.fails("a", modelspec.ErrDataLoss)
}

// The folder itself may be taken away and come back.
func TestFolderReplaced(t *testing.T) {
	e := openEdited(t)
	e.put("a", 1, `{"n":1}`)
	e.put("b", 1, `{"n":1}`)
	folder := filepath.Join(e.dir, "orders")
	if err := os.Rename(folder, folder+".old"); err != nil {
		t.Fatal(err)
	}
	e.look()
	e.wantList("")
	e.put("c", 1, `{"n":1}`)
	e.wantList("c")
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(folder+".old", folder); err != nil {
		t.Fatal(err)
	}
	e.look()
	e.wantList("a b")
	e.put("a", 2, `{"n":2}`)
}

// The search runs by itself, tells of what it finds, and survives who is told.
func TestWatch(t *testing.T) { synctest.Test(t, testWatch) }

func testWatch(t *testing.T) {
	dir := t.TempDir()
	var mu sync.Mutex
	var told []string
	var log strings.Builder
	store := file.New(file.Config{Dir: dir, NoSync: true, Watch: time.Minute, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		OnChange: func(collection, id string) {
			mu.Lock()
			defer mu.Unlock()
			if told = append(told, collection+"/"+id); id == "a" {
				panic("who is told")
			}
		}})
	want := func(ids ...string) {
		t.Helper()
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if fmt.Sprint(told) != fmt.Sprint(ids) {
			t.Fatalf("told of %v, want %v", told, ids)
		}
		told = nil
	}
	c := collection(t, store, "orders")
	for _, id := range []string{"a", "b"} {
		if err := c.Put(context.Background(), datasource.Document{ID: id, Revision: 1}); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(2 * time.Minute)
	want() // its own writes are nothing new
	e := &edited{t: t, dir: dir}
	e.replace("a", `"rev": 1`, `"rev": 1, "data": 1`)
	want()
	time.Sleep(2 * time.Minute)
	want("orders/a")
	e.replace("a", `"data": 1`, `"data": `)
	time.Sleep(2 * time.Minute)
	want("orders/a")
	if err := os.Remove(e.path("b")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Minute)
	want("orders/b")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"OnChange panics", "who is told", "a file is no document", "orders/a.json"} {
		if !strings.Contains(log.String(), text) {
			t.Errorf("the log does not say %q:\n%s", text, log.String())
		}
	}
}
