package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// stamp tells one state of a file from another, mostly. The zero stamp is that
// of a file that is not there.
type stamp struct{ modified, size int64 }

func stampOf(info fs.FileInfo) stamp { return stamp{info.ModTime().UnixNano(), info.Size()} }

// errEdited says that a file is not as it was left.
var errEdited = errors.New("its file is being changed from outside: try again")

// folder is the directory of one collection. No name leads out of it, also not
// through symbolic links. Safe for concurrent use, but one writer a name.
type folder struct {
	root   *os.Root
	dir    *os.File
	info   fs.FileInfo
	noSync bool

	mu      sync.Mutex
	next    *round // that who comes now can take part in
	leading sync.Mutex
}

// round is one sync of the directory, for all who asked before it began.
type round struct {
	done chan struct{}
	err  error
}

// openFolder makes the directory if need be.
func openFolder(parent *os.Root, name string, noSync bool) (*folder, error) {
	err := parent.Mkdir(name, 0o700)
	made := err == nil
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	f := &folder{noSync: noSync}
	if f.root, err = parent.OpenRoot(name); err != nil {
		return nil, err
	}
	if f.dir, err = f.root.Open("."); err == nil {
		f.info, err = f.dir.Stat()
	}
	if err == nil && made && !noSync {
		err = syncDir(parent)
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *folder) close() error {
	if f.dir == nil {
		return f.root.Close()
	}
	return errors.Join(f.dir.Close(), f.root.Close())
}

// stat does not follow a link: that is no file of ours.
func (f *folder) stat(name string) (stamp, error) {
	info, err := f.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return stamp{}, nil
	}
	if err != nil {
		return stamp{}, err
	}
	return stampOf(info), nil
}

// read returns the text of a file and its stamp from before it was read. The
// error is modelspec.ErrDataLoss for what can be no document, and
// fs.ErrNotExist.
func (f *folder) read(name string) ([]byte, stamp, error) {
	info, err := f.root.Lstat(name)
	if err != nil {
		return nil, stamp{}, err
	}
	if !info.Mode().IsRegular() { // opening might wait for ever
		return nil, stampOf(info), lost("it is not a regular file (%s): remove it or put the document in its place", info.Mode().Type())
	}
	file, err := f.root.Open(name)
	if err != nil {
		return nil, stamp{}, err
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return nil, stamp{}, err
	}
	if info.Size() > datasource.MaxSize {
		return nil, stampOf(info), lost("it has %d bytes, more than %d: make it smaller", info.Size(), datasource.MaxSize)
	}
	text := make([]byte, info.Size())
	n, err := io.ReadFull(file, text)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = nil // it got shorter meanwhile: the stamp will tell
	}
	return text[:n], stampOf(info), err
}

// write puts text in the place of the file, which must have the stamp was; if
// not, the error is errEdited. On return it is on the disk. kept reports
// whether the file is the old one for certain, if there is an error.
func (f *folder) write(name string, text []byte, was stamp) (now stamp, kept bool, err error) {
	temp := tempPrefix + name
	if now, err = f.fill(temp, text); err == nil {
		var found stamp
		if found, err = f.stat(name); err == nil && found != was {
			err = errEdited
		}
	}
	if err == nil {
		err = f.root.Rename(temp, name)
	}
	if err != nil {
		_ = f.root.Remove(temp) // if not now, when the folder is opened
		return stamp{}, true, err
	}
	return now, false, f.sync()
}

func (f *folder) fill(temp string, text []byte) (stamp, error) {
	file, err := f.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) { // left by a write that failed
		if err = f.root.Remove(temp); err == nil {
			file, err = f.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		}
	}
	if err != nil {
		return stamp{}, err
	}
	_, err = file.Write(text)
	if err == nil && !f.noSync {
		err = file.Sync()
	}
	var info fs.FileInfo
	if err == nil {
		info, err = file.Stat()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return stamp{}, err
	}
	return stampOf(info), nil
}

// remove takes the file away, if it still has the stamp was.
func (f *folder) remove(name string, was stamp) error {
	found, err := f.stat(name)
	switch {
	case err != nil:
		return err
	case found != was:
		return errEdited
	case found == stamp{}:
		return nil
	}
	if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return f.sync()
}

// sync makes durable which names there are. All who come while one sync is
// under way share the next.
func (f *folder) sync() error {
	if f.noSync || !directoriesSync {
		return nil
	}
	f.mu.Lock()
	r := f.next
	leads := r == nil
	if leads {
		r = &round{done: make(chan struct{})}
		f.next = r
	}
	f.mu.Unlock()
	if !leads {
		<-r.done
		return r.err
	}
	f.leading.Lock()
	defer f.leading.Unlock()
	f.mu.Lock()
	f.next = nil // who comes from now on needs another
	f.mu.Unlock()
	r.err = f.dir.Sync()
	close(r.done)
	return r.err
}

// names are those of all that is in the folder.
func (f *folder) names() ([]string, error) {
	dir, err := f.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.Readdirnames(-1)
}

// directoriesSync: on Windows a directory cannot be synced, and need not be.
const directoriesSync = runtime.GOOS != "windows"

func syncDir(root *os.Root) error {
	if !directoriesSync {
		return nil
	}
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// makeDir is os.MkdirAll, and durable.
func makeDir(path string, noSync bool) error {
	path = filepath.Clean(path)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := makeDir(parent, noSync); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if noSync || !directoriesSync {
		return nil
	}
	dir, err := os.Open(parent)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func lost(format string, args ...any) error {
	return &modelspec.Error{Code: modelspec.ErrDataLoss, Message: fmt.Sprintf(format, args...)}
}
