// Package inventory is the inventory team's component: how much there is of
// each item, and the warehouses that pack it. It comes in two versions, side by
// side here so that the example can replace one by the other while it runs.
package inventory

import (
	"context"

	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// V100 is version 1.0.0.
func V100() federation.Component {
	return component("1.0.0", Reserve(), Return(), Pick())
}

// V110 is version 1.1.0: its answers say in which warehouse.
func V110() federation.Component {
	pick, reserve, giveBack := Pick(), Reserve(), Return()
	pick.Handle = func(w *Warehouse, ctx context.Context, p order.Parcel) (order.Picked, error) {
		_, err := w.pick(ctx, p)
		return order.Picked{Warehouse: w.ID}, err
	}
	reserve.Handle = reporting((*Stock).reserve)
	giveBack.Handle = reporting((*Stock).giveBack)
	return component("1.1.0", reserve, giveBack, pick)
}

func reporting(move func(*Stock, context.Context, Move) (Level, error)) func(*Stock, context.Context, Move) (Level, error) {
	return func(s *Stock, ctx context.Context, m Move) (Level, error) {
		l, err := move(s, ctx, m)
		l.Warehouse = s.Warehouse
		return l, err
	}
}

func component(version string, reserve, giveBack port.Inbound[Stock, Move, Level], pick port.Inbound[Warehouse, order.Parcel, order.Picked]) federation.Component {
	return federation.Component{
		Name: "inventory", Version: version,
		Models: []modelspec.Interface{StockModel(reserve, giveBack), WarehouseModel(pick, Unpack())},
	}
}
