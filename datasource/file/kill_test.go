package file_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/file"
	"github.com/org/aegis/modelspec"
)

// The test binary is also the process that gets killed.
const (
	childDir   = "AEGIS_FILE_CHILD_DIR"
	childRound = "AEGIS_FILE_CHILD_ROUND"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if os.Getenv(childRound) == "open" {
			fmt.Println(modelspec.CodeOf(file.New(file.Config{Dir: dir}).Open(context.Background())))
			os.Exit(0)
		}
		if err := writeForEver(dir, os.Getenv(childRound)); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// TestKill kills a process that writes, at any moment, again and again: all
// that it acknowledged is there, whole, and found by its keys.
func TestKill(t *testing.T) {
	const seed, rounds = 1, 6
	rnd := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	acknowledged := map[string]int64{}
	for round := range rounds {
		n := 20 + rnd.IntN(250)
		killAfter(t, dir, round, n, acknowledged)
		store := file.New(file.Config{Dir: dir})
		c, err := store.Collection("orders")
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		checkWhole(t, c, acknowledged)
		if damaged := store.Damaged(); len(damaged) != 0 {
			t.Fatalf("round %d: %v", round, damaged)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "orders", ".*")); err != nil || len(left) != 0 {
			t.Fatalf("round %d: writes that were cut off have left %v, %v", round, left, err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(acknowledged) < rounds*10 {
		t.Fatalf("%d documents only", len(acknowledged))
	}
}

// killAfter lets a child write n revisions, kills it, and adds what it said.
func killAfter(t *testing.T, dir string, round, n int, acknowledged map[string]int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, fmt.Sprintf("%s=%d", childRound, round))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	seen := 0
	for lines.Scan() { // also what it said before it died
		var id string
		var revision int64
		if _, err := fmt.Sscanf(lines.Text(), "%s %d", &id, &revision); err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		acknowledged[id] = max(acknowledged[id], revision)
		if seen++; seen == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); seen < n {
		t.Fatalf("the child ended by itself after %d writes: %v %s", seen, err, stderr.String())
	}
}

// killDoc is all of what the child writes as that revision.
func killDoc(id string, revision int64) datasource.Document {
	d := datasource.Document{ID: id, Revision: revision, By: fmt.Sprint("by-", revision), Due: time.Unix(1_000_000+revision, 0),
		Index: []datasource.Entry{
			{Name: "slug", Key: fmt.Sprint(id, "/", revision), Unique: true},
			{Name: "revision", Key: fmt.Sprintf("%03d", revision)},
		},
		Data: modelspec.FromJSON(fmt.Appendf(nil, `{"id":%q,"revision":%d}`, id, revision))}
	if strings.HasSuffix(id, "7") { // some take many writes to the file
		d.Meta = modelspec.FromJSON([]byte(`"` + strings.Repeat("m", 1<<20) + `"`))
	}
	return d
}

// writeForEver acknowledges on stdout each revision whose Put has returned.
func writeForEver(dir, round string) error {
	store := file.New(file.Config{Dir: dir})
	c, err := store.Collection("orders")
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	failed := make(chan error, 4)
	for w := range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("o%s-%d-%d", round, w, n/3)
				revision := int64(n%3) + 1
				if err := c.Put(context.Background(), killDoc(id, revision)); err != nil {
					failed <- err
					return
				}
				mu.Lock()
				fmt.Printf("%s %d\n", id, revision)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return <-failed
}

// checkWhole: nothing acknowledged is missing or older, and every document
// that is there has its entries, and no entry is without its document.
func checkWhole(t *testing.T, c datasource.Collection, acknowledged map[string]int64) {
	t.Helper()
	ctx := t.Context()
	stored := map[string]datasource.Document{}
	for d, err := range c.List(ctx, datasource.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		stored[d.ID] = d
		want, err := datasource.Encode(killDoc(d.ID, d.Revision))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := datasource.Encode(d); err != nil || string(got) != string(want) {
			t.Fatalf("%s is not what was written: %.200s", d.ID, got)
		}
	}
	for id, revision := range acknowledged {
		if d, err := c.Get(ctx, id); err != nil || d.Revision < revision {
			t.Fatalf("%s: revision %d was acknowledged, %d is there: %v", id, revision, d.Revision, err)
		}
	}
	for _, index := range []string{"slug", "revision"} {
		n := 0
		for d, err := range c.List(ctx, datasource.Query{Index: index}) {
			if err != nil {
				t.Fatalf("index %s: %v", index, err)
			}
			if n++; stored[d.ID].Revision != d.Revision {
				t.Fatalf("index %s leads to revision %d of %s, %d is stored", index, d.Revision, d.ID, stored[d.ID].Revision)
			}
		}
		if n != len(stored) {
			t.Fatalf("index %s has %d of %d documents", index, n, len(stored))
		}
	}
	for id, d := range stored {
		key := d.Index[0].Key
		for x, err := range c.List(ctx, datasource.Query{Index: "slug", Key: &key}) {
			if err != nil || x.ID != id {
				t.Fatalf("key %s leads to %s: %v", key, x.ID, err)
			}
		}
	}
	marks, err := c.Due(ctx, time.Unix(2_000_000, 0), datasource.Mark{}, len(stored)+100)
	if err != nil || len(marks) != len(stored) {
		t.Fatalf("%d of %d documents are due: %v", len(marks), len(stored), err)
	}
	for _, m := range marks {
		if !stored[m.ID].Due.Equal(m.At) {
			t.Fatalf("%s is due at %v, by the order at %v", m.ID, stored[m.ID].Due, m.At)
		}
	}
}

// While one process has the directory, another one gets told so; once the
// first was killed, it is free.
func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	open := func() string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir, childRound+"=open")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	store := file.New(file.Config{Dir: dir})
	if err := store.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := open(); got != string(modelspec.ErrUnavailable) {
		t.Errorf("a second process: %s", got)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	killAfter(t, dir, 0, 5, map[string]int64{})
	store = file.New(file.Config{Dir: dir})
	if err := store.Open(t.Context()); err != nil {
		t.Errorf("after the other process was killed: %v", err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}
