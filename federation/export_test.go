package federation

// The codec, for tests that compare it with encoding/json.
var (
	AppendCall   = appendCall
	AppendReply  = appendReply
	AppendEffect = appendEffect
	ReadCall     = readCall
	ReadReply    = readReply
	ReadEffect   = readEffect
	SizeOfCall   = sizeOfCall
)

// Pin is what a reader with an old snapshot does.
func (g *Generation) Pin() bool { return g.pin() }

// Remembers reports whether p keeps a snapshot alive.
func (p *PortRef) Remembers() bool { return p.memo.Load() != nil }
