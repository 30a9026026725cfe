package outside

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/modelspec"
)

// Client answers ports with what the world at URL does.
type Client struct {
	URL  string
	HTTP http.Client // its Timeout may be zero: the ports' policies bound each call
}

// Track only asks: order.TrackShipment is answered when the parcel is there.
func (c *Client) Track() adapter.Adapter {
	return adapter.Ask(order.TrackShipment, func(ctx context.Context, q order.Consignment) error {
		return c.call(ctx, "track", adapter.Key(ctx), q, nil)
	})
}

// Pay answers the ports that concern money, with the bank.
func (c *Client) Pay() []adapter.Adapter {
	return []adapter.Adapter{
		adapter.BindUndo(order.AuthorizePayment, asking[order.Charge, order.Authorization](c, "hold"), taking[order.Charge, order.Authorization](c, "hold")),
		adapter.BindUndo(order.CompletePayment, asking[order.Charge, order.Receipt](c, "capture"), taking[order.Charge, order.Receipt](c, "capture")),
	}
}

// Carry answers the ports that concern the parcel on its way, with the carrier.
func (c *Client) Carry() []adapter.Adapter {
	return []adapter.Adapter{
		adapter.BindUndo(order.ShipOrder, asking[order.Parcel, order.Shipment](c, "book"), taking[order.Parcel, order.Shipment](c, "book")),
		c.Track(),
		adapter.BindUndo(order.VerifyDelivery, asking[order.Consignment, order.Proof](c, "prove"), taking[order.Consignment, order.Proof](c, "prove")),
	}
}

func asking[Req, Res any](c *Client, op string) func(context.Context, Req) (Res, error) {
	return func(ctx context.Context, q Req) (res Res, err error) {
		err = c.call(ctx, op, adapter.Key(ctx), q, &res)
		return res, err
	}
}

func taking[Req, Res any](c *Client, op string) func(context.Context, adapter.Taken[Req, Res]) error {
	return func(ctx context.Context, t adapter.Taken[Req, Res]) error {
		return c.call(ctx, op+"/undo", t.Key, t.Request, nil)
	}
}

// call asks the world. Its errors say what a host must know: whether nothing
// was asked, whether it was refused, or that nobody knows.
func (c *Client) call(ctx context.Context, path, key string, q, into any) error {
	raw, err := json.Marshal(q)
	if err != nil {
		return err
	}
	body, err := json.Marshal(message{Key: key, Request: raw})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.HTTP.Do(req)
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return adapter.NotSent(err)
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	switch text := strings.TrimSpace(string(b)); {
	case err != nil:
		return err
	case res.Header.Get(notTaken) != "":
		return adapter.NotSent(errors.New(text))
	case res.StatusCode == http.StatusConflict:
		return modelspec.Refuse(text)
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("outside: %s: answered %d: %s", path, res.StatusCode, text)
	case into == nil:
		return nil
	}
	return json.Unmarshal(b, into)
}
