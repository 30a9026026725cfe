package wasm

import (
	"log/slog"
	"runtime"
	"time"
)

// Config says what guests may use. The zero Config is safe for guests that
// nobody has read.
type Config struct {
	// MemoryPages limits the memory of one instance, in pages of 64 KiB. Zero
	// is 1024 pages, 64 MiB: a Go guest needs about 4 MiB to start and some
	// tens under load, as its garbage collector works with up to twice what is
	// live. At most 65536.
	MemoryPages uint32
	// Instances limits the live instances of one module, and so the calls it
	// answers at once; further calls wait. Calls made while another guest waits
	// for them do not count: see the package documentation. Zero is GOMAXPROCS,
	// at least 2.
	Instances int
	// MaxModuleBytes limits a module's size. Zero is 64 MiB.
	MaxModuleBytes int
	// FrameBytes limits a frame, either way. Zero is 16 MiB.
	FrameBytes int
	// CallTimeout is how long a call without a deadline may take. Zero is 30
	// seconds.
	CallTimeout time.Duration
	// LoadTimeout is how long loading without a deadline may take: most of it
	// is compiling, on which a slow machine spends its time and not the guest.
	// Zero is 5 minutes.
	LoadTimeout time.Duration
	// CacheDir keeps compiled code across runs. It is created with mode 0700
	// and must belong to this user and be writable to nobody else, since what
	// is in it is run. Empty: compiled code is kept in memory only.
	CacheDir string
	// Trusted compiles guests without the checks that stop one which loops
	// past its deadline: tight loops run 5 to 20 times as fast, and a guest
	// that does not return freezes its caller, and in the end the process. Set
	// it for guests you would link in.
	Trusted bool
	// Logger gets what guests write to stdout and stderr, and the full text of
	// their failures. Nil: nobody does.
	Logger *slog.Logger
}

// wasmPages is how many pages a memory can have at all.
const wasmPages = 65536

// filled is c with defaults in place of zeros, or what is wrong with it.
func (c Config) filled() (Config, error) {
	if c.MemoryPages > wasmPages {
		return c, invalid("Config.MemoryPages is %d: at most %d", c.MemoryPages, wasmPages)
	}
	for name, v := range map[string]int{"Instances": c.Instances, "MaxModuleBytes": c.MaxModuleBytes, "FrameBytes": c.FrameBytes, "CallTimeout": int(c.CallTimeout), "LoadTimeout": int(c.LoadTimeout)} {
		if v < 0 {
			return c, invalid("Config.%s is %d: must not be negative", name, v)
		}
	}
	if c.FrameBytes > 1<<30 {
		return c, invalid("Config.FrameBytes is %d: at most 1 GiB", c.FrameBytes)
	}
	def(&c.MemoryPages, 1024)
	def(&c.Instances, max(2, runtime.GOMAXPROCS(0)))
	def(&c.MaxModuleBytes, 64<<20)
	def(&c.FrameBytes, 16<<20)
	def(&c.CallTimeout, 30*time.Second)
	def(&c.LoadTimeout, 5*time.Minute)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
