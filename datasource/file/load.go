package file

import (
	"errors"
	"strings"
	"sync"
)

// readers is how many files are read at once when a collection is opened.
const readers = 8

// load opens the folder of a collection and reads all that is in it.
func (s *session) load(name string) (*collection, error) {
	c := newCollection(s, name)
	f, err := openFolder(s.root, escape(name), s.cfg.NoSync)
	if err != nil {
		return c, err
	}
	c.folder.Store(f)
	names, err := f.names()
	if err == nil {
		err = c.sweep(names)
	}
	if err != nil {
		return c, errors.Join(err, f.close())
	}
	ids := make(chan string)
	var wg sync.WaitGroup
	for range min(readers, len(names)) {
		wg.Go(func() {
			for id := range ids {
				_, _ = c.look(id, looking{loading: true}) // what is wrong with it is noted
			}
		})
	}
	for _, file := range names {
		if id, ours, ok := idOf(file); ok {
			ids <- id
		} else if ours {
			c.stray(file)
		}
	}
	close(ids)
	wg.Wait()
	return c, nil
}

// sweep removes what writes that were cut off have left.
func (c *collection) sweep(names []string) error {
	f := c.folder.Load()
	for _, file := range names {
		if strings.HasPrefix(file, tempPrefix) {
			if err := f.root.Remove(file); err != nil {
				return err
			}
		}
	}
	return nil
}
