// Package federation puts components into a running host and takes them out.
//
// A [Component] is a set of models and adapters that one team makes and deploys
// together. Linked in, it becomes a [Module] with [Native]: no frames, no
// bytes. Anywhere else it sits behind a [Conn], which carries frames to a
// [Server] that was made of the same Component value: a WebAssembly guest, a
// process, another host. [Open] makes a Module of a Conn. An engine implements
// Conn, and nothing else needs to know where code runs.
//
//	Component -- Native ------------------------------> Module
//	Component -- NewServer -- (transport) -- Conn -- Open --> Module
//
// # The table
//
// A [Table] says which generation of which component answers each model and
// each port. [Table.Prepare] makes a [Generation] of a module: its manifest is
// checked, compared with its [Grant], and probed, and nobody sees it.
// [Table.Swap] shows any number of generations in one store, or refuses and
// changes nothing. What was shown before is retired: it takes no new calls, and
// closes when its last one has returned.
//
//	g, err := table.Prepare(ctx, "", module, federation.Preparation{Grant: &grant})
//	...
//	if err := table.Swap(federation.Change{g.Name: {{Gen: g}}}); err != nil {
//		g.Discard()
//	}
//
// A caller pins what it uses, and gives it back:
//
//	spec, g, err := table.Model("order", id)
//	...
//	defer g.Unpin()
//
// Guarantees:
//
//   - A read never blocks and never waits for a change. It sees all of a change
//     or nothing of it.
//   - A module is closed exactly once, after the last call that pinned it has
//     returned, and never while one is under way.
//   - A retired generation never comes back. To roll back, prepare again.
//   - With several arms, a document stays on its arm until shares change, and
//     raising a later arm's share moves documents to it only.
//   - A port is bound by model and name, by one component.
//   - A table that could run its ports in a circle for ever is not shown, be
//     it within a document or across models: one port of the circle must
//     declare Repeats.
//   - A port or an intake that waits for what will not come is not shown: an
//     event that its model does not publish, a key that is not in the event's
//     data, a field without index, a request that the data cannot be. What both
//     sides leave open fits.
//
// # The overlay
//
// An [Overlay] is what an operator wants otherwise than the code says.
// [Table.Overlay] shows models under it in one store, after all the checks of a
// Swap, and it holds for the generations that come later: one that does not fit
// it any more is refused. [Snapshot.Declared] has the models without it.
// Package orchestration makes overlays of documents.
//
// A generation whose calls do not end stays open. [Generation.Kill] ends their
// contexts; whoever calls modules ties each call to [Generation.Context].
//
// # Trust
//
// A module behind a Conn is not trusted. Its manifest is limited and may not
// change; its replies are strict JSON (no member twice, none that differs in
// letter case only, valid UTF-8, at most 64 deep, nothing behind); its errors
// are cut to size and may not use the host's words; its handlers, and nothing
// else of it, may ask for effects, one at a time, until they return. What it
// may declare, and which events of others it may consume, is its Grant, which
// denies by default.
package federation
