package inventory

import (
	"context"

	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Warehouse packs parcels. It has no goods itself: it asks each Stock for its
// part, by outbound ports that the host joins to Reserve and Return.
type Warehouse struct {
	ID     string `json:"id"`
	Picked int64  `json:"picked" aegis:"readonly"`
	Undone int64  `json:"undone" aegis:"readonly"`
}

// Part is one line of a parcel.
type Part struct {
	OrderID string `json:"orderId"`
	ItemID  string `json:"itemId"`
	Qty     int64  `json:"qty"`
}

// WarehouseModel is the model of Warehouse.
func WarehouseModel(ports ...modelspec.Port[Warehouse]) modelspec.Model[Warehouse] {
	return modelspec.Model[Warehouse]{Name: "warehouse", Ports: append(ports, Take, GiveBack), API: modelspec.API{ID: true}}
}

// Take and GiveBack are what the handlers below call. If Pick fails at one of
// its lines, or the process dies in it, the host takes the lines before back.
var (
	Take = port.Outbound[Warehouse, Part, Level]{Name: "take", Undo: true, Request: func(*Warehouse) Part { return Part{} }}

	GiveBack = port.Outbound[Warehouse, Part, Level]{Name: "giveBack", Request: func(*Warehouse) Part { return Part{} }}
)

// Pick packs a parcel: all of it, or nothing.
func Pick() port.Inbound[Warehouse, order.Parcel, order.Picked] {
	return port.Inbound[Warehouse, order.Parcel, order.Picked]{Name: "pick", Produces: modelspec.EventName("warehouse.picked"), Handle: (*Warehouse).pick}
}

// Unpack takes a packed parcel apart again.
func Unpack() port.Inbound[Warehouse, order.Parcel, port.None] {
	return port.Inbound[Warehouse, order.Parcel, port.None]{Name: "unpack", Produces: modelspec.EventName("warehouse.unpacked"), Handle: (*Warehouse).unpack}
}

func (w *Warehouse) pick(ctx context.Context, p order.Parcel) (order.Picked, error) {
	if p.Canceled {
		return order.Picked{}, modelspec.Refuse("order " + p.OrderID + " was canceled")
	}
	for _, l := range p.Lines {
		if _, err := Take.CallWith(ctx, w, Part{p.OrderID, l.ItemID, l.Qty}); err != nil {
			return order.Picked{}, err
		}
	}
	w.Picked++
	return order.Picked{}, nil
}

func (w *Warehouse) unpack(ctx context.Context, p order.Parcel) (port.None, error) {
	for _, l := range p.Lines {
		if _, err := GiveBack.CallWith(ctx, w, Part{p.OrderID, l.ItemID, l.Qty}); err != nil {
			return port.None{}, err
		}
	}
	w.Undone++
	return port.None{}, nil
}
