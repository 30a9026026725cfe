package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// looking says how look looks.
type looking struct {
	again   bool // reads the file also if its stamp is the one that is known
	loading bool // nobody is told, and bodies are not kept
}

// look brings what is known of a document up to its file, and returns it: nil
// if there is neither. A change from outside is a new revision. The caller
// holds the document's latch. After an error nothing has changed.
func (c *collection) look(id string, how looking) (*version, error) {
	f, file, old := c.folder.Load(), fileName(id), c.current(id)
	st, err := f.stat(file)
	switch {
	case err != nil && old != nil:
		return old, err
	case err == nil && st == stamp{}:
		return c.lookMissing(id, old), nil
	case err == nil && old != nil && !old.missing && old.stamp == st && !how.again:
		return old, nil
	}
	var text []byte
	if err == nil {
		text, st, err = f.read(file)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return c.lookMissing(id, old), nil
	}
	var total uint64
	var d datasource.Document
	if err == nil {
		if total = c.s.sum(text); old != nil && old.sum == total && old.revision > 0 {
			return c.lookSame(id, old, st), nil
		}
		d, err = c.decode(id, text)
	}
	if err != nil {
		return c.lookDamaged(id, old, st, err)
	}
	if old != nil {
		d.Revision = max(d.Revision, old.revision+1)
	}
	v := newVersion(&d, st, total, young(st))
	var kept *datasource.Document
	if old != nil {
		kept = old.body.Load()
	}
	c.publish(id, v, kept)
	if !how.loading {
		c.s.cache.add(v, &d, len(text))
		c.s.news.add(edit{c.name, id})
	}
	return v, nil
}

// lookMissing: the file may come back in a moment, for that is how some
// editors save. Only poll forgets a document.
func (c *collection) lookMissing(id string, old *version) *version {
	if old == nil || old.missing {
		return old
	}
	v := old.seen(stamp{}, false, true, nil)
	c.replace(id, v)
	return v
}

// lookSame: the file was touched, or is back, or is whole again.
func (c *collection) lookSame(id string, old *version, st stamp) *version {
	fresh := young(st)
	if old.stamp == st && old.young == fresh && !old.missing && old.damage == nil {
		return old
	}
	v := old.seen(st, fresh, false, nil)
	c.replace(id, v)
	if old.damage != nil {
		c.s.news.add(edit{c.name, id})
	}
	return v
}

// lookDamaged keeps the revision, the index and the due time of before: they
// are needed when the file is mended.
func (c *collection) lookDamaged(id string, old *version, st stamp, cause error) (*version, error) {
	coded := modelspec.CodeOf(cause) == modelspec.ErrDataLoss
	good := old != nil && old.damage == nil && !old.missing
	switch {
	case good && !coded:
		return old, cause
	case good && young(st):
		return old, &modelspec.Error{Code: modelspec.ErrUnavailable, NotSent: true,
			Message: "its file is being changed from outside and not whole yet: try again"}
	}
	damage := &modelspec.Error{Code: modelspec.ErrDataLoss, Message: Path(c.name, id) + ": " + cause.Error() + ": mend the file or remove it"}
	if old == nil {
		v := &version{due: notDue, stamp: st, young: young(st), damage: damage}
		c.publish(id, v, nil)
		return v, nil
	}
	v := old.seen(st, young(st), false, damage)
	c.replace(id, v)
	if good {
		c.s.news.add(edit{c.name, id})
	}
	return v, nil
}

func (c *collection) decode(id string, text []byte) (datasource.Document, error) {
	d, err := readBack(text)
	if err == nil && d.ID != id {
		err = lost("it says id %q, its name says %q: name it %s or change the id", d.ID, id, fileName(d.ID))
	}
	return d, err
}

// poll looks at every file of the folder. A patient one forgets a document
// only if its file was missing the time before too.
func (c *collection) poll(ctx context.Context, patient bool) error {
	c.polling.Lock()
	defer c.polling.Unlock()
	if err := c.refolder(); err != nil {
		return err
	}
	names, err := c.folder.Load().names()
	if err != nil {
		return err
	}
	present, strays := make(map[string]bool, len(names)), map[string]bool{}
	var failed error
	for _, file := range names {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		id, ours, ok := idOf(file)
		switch {
		case ok:
			present[id] = true
			if err := c.pollFile(ctx, id, file); err != nil && failed == nil {
				failed = err
			}
		case ours:
			strays[file] = true
			c.stray(file)
		}
	}
	c.endStrays(strays)
	if err := c.pollMissing(ctx, present, patient); err != nil {
		return err
	}
	return failed
}

// pollFile takes the latch only where something seems to have changed.
func (c *collection) pollFile(ctx context.Context, id, file string) error {
	v := c.current(id)
	if v != nil && !v.missing && !v.young && v.damage == nil {
		if st, err := c.folder.Load().stat(file); err == nil && st == v.stamp {
			return nil
		}
	}
	if err := c.latches.acquire(ctx, id); err != nil {
		return err
	}
	defer c.latches.release(id)
	v = c.current(id)
	_, err := c.look(id, looking{again: v != nil && (v.young || v.damage != nil)})
	if modelspec.HasCode(err) { // not whole yet
		return nil
	}
	return err
}

func (c *collection) pollMissing(ctx context.Context, present map[string]bool, patient bool) error {
	c.mu.Lock()
	ids := c.ids.freeze()
	c.mu.Unlock()
	var missing []string
	ids.Ascend(func(x place) bool {
		if !present[x.id] {
			missing = append(missing, x.id)
		}
		return true
	})
	for _, id := range missing {
		if err := c.latches.acquire(ctx, id); err != nil {
			return err
		}
		c.lookForgotten(id, patient)
		c.latches.release(id)
	}
	return nil
}

func (c *collection) lookForgotten(id string, patient bool) {
	old := c.current(id)
	if old == nil {
		return
	}
	v, err := c.look(id, looking{})
	if err != nil || !v.missing || patient && !old.missing {
		return
	}
	c.forget(id)
	c.s.news.add(edit{c.name, id})
}

// refolder opens the folder anew if it is another one, or none, by now.
func (c *collection) refolder() error {
	f, name := c.folder.Load(), escape(c.name)
	info, err := c.s.root.Stat(name)
	if err == nil && os.SameFile(info, f.info) {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	now, err := openFolder(c.s.root, name, c.s.cfg.NoSync)
	if err != nil {
		return err
	}
	c.folder.Store(now)
	return f.close()
}

// stray notes a file whose name is no document's.
func (c *collection) stray(file string) {
	c.mu.RLock()
	known := c.damage[file] != nil
	c.mu.RUnlock()
	if known {
		return
	}
	advice := "rename or remove it"
	if text, _, err := c.folder.Load().read(file); err == nil {
		if d, err := readBack(text); err == nil {
			advice = fmt.Sprintf("the document in it belongs into %s", fileName(d.ID))
		}
	}
	c.mu.Lock()
	warn := c.note(file, lost("%s/%s: its name is no document's: %s", escape(c.name), file, advice))
	c.mu.Unlock()
	warn()
}

// endStrays forgets those that are not there any more.
func (c *collection) endStrays(present map[string]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for file := range c.damage {
		if _, _, ok := idOf(file); !ok && !present[file] {
			delete(c.damage, file)
		}
	}
}
