package main

import (
	"context"
	"fmt"
)

// goOn serves until ctx ends, and says what to try.
func (d *demo) goOn(ctx context.Context) error {
	u := d.site.url
	d.show.write(fmt.Sprintf(`
serving %[1]s until interrupted. Try:

  curl -s %[1]s/orders -H 'Content-Type: application/json' -d '{"customerId":"ann","items":[{"itemId":"tea","price":450,"qty":2}]}'
  curl -s -X POST %[1]s/orders/ID/approve        # ID: of the answer before
  curl -s %[1]s/orders/ID
  curl -s %[1]s/orders/ID/customer
  curl -s %[1]s/orders/ID/inventory
  curl -s '%[1]s/orders?status=COMPLETE&__limit=5'
  curl -s %[1]s/inventory/tea/reserve -H 'Content-Type: application/json' -H 'Idempotency-Key: once' -d '{"orderId":"me","qty":1}'
  curl -s %[1]s/orders -H 'Content-Type: application/json' -d '{"customerId":"ann","items":[],"status":"COMPLETE"}'   # refused
`, u))
	<-ctx.Done()
	return nil
}
