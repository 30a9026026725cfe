// Package outside is the world outside of every host: a bank and a carrier with
// computers of their own. They keep books, so that what was done for orders can
// be compared with what hosts say of it, and they know their manners: a call
// that comes again under its key does nothing again, one that was taken back is
// not done any more, and a parcel that was asked for is answered for when it is
// delivered, however often the host has died meanwhile.
//
// A [Server] is that world, served on loopback. A [Client] answers the ports of
// orders with it. [Config.Faults] and [Config.Travel] say what goes wrong.
package outside
