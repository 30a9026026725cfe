package inventory

import (
	"context"
	"fmt"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Stock is how much there is of one item. Its id is the item's. Every effect
// on it is counted, so that one can see that each happened once.
type Stock struct {
	ID        string `json:"id"`
	Name      string `json:"name" aegis:"required,minlen=1,maxlen=80"`
	Warehouse string `json:"warehouse" aegis:"required,minlen=1,maxlen=64"`
	InStock   int64  `json:"inStock" aegis:"required,min=0"`
	Reserved  int64  `json:"reserved" aegis:"readonly"` // times that some was taken out
	Returned  int64  `json:"returned" aegis:"readonly"` // times that some came back
}

// Move is some of an item, out or back in.
type Move struct {
	OrderID string `json:"orderId" aegis:"required,minlen=1,maxlen=128"`
	Qty     int64  `json:"qty" aegis:"required,min=1,max=1000"`
}

// Level is what is left after a move. Warehouse is told from 1.1.0 on.
type Level struct {
	InStock   int64  `json:"inStock"`
	Warehouse string `json:"warehouse,omitempty"`
}

// The model is called as orders call it, so its ports name it.
const stockModel = "inventory"

// StockModel is the model of Stock.
func StockModel(ports ...modelspec.Port[Stock]) modelspec.Model[Stock] {
	return modelspec.Model[Stock]{Name: stockModel, Plural: "inventory", Ports: ports, API: modelspec.API{ID: true}}
}

// Reserve takes some out: POST /inventory/{id}/reserve.
func Reserve() port.Inbound[Stock, Move, Level] {
	return port.Inbound[Stock, Move, Level]{Name: "reserve", Model: stockModel, Produces: modelspec.EventName("inventory.reserved"), Handle: (*Stock).reserve}
}

// Return puts some back.
func Return() port.Inbound[Stock, Move, Level] {
	return port.Inbound[Stock, Move, Level]{Name: "return", Model: stockModel, Produces: modelspec.EventName("inventory.returned"), Handle: (*Stock).giveBack}
}

func (s *Stock) reserve(_ context.Context, m Move) (Level, error) {
	if s.InStock < m.Qty {
		return Level{}, modelspec.Refuse(fmt.Sprintf("item %s: %d wanted, %d in stock", s.ID, m.Qty, s.InStock))
	}
	s.InStock -= m.Qty
	s.Reserved++
	return Level{InStock: s.InStock}, nil
}

func (s *Stock) giveBack(_ context.Context, m Move) (Level, error) {
	s.InStock += m.Qty
	s.Returned++
	return Level{InStock: s.InStock}, nil
}
