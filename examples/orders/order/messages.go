package order

// What an order asks of the world, and what it wants to be told. Whoever
// answers a port uses these types: the services depend on the order's ports,
// not the order on the services.
type (
	// Charge is asked of AuthorizePayment and CompletePayment.
	Charge struct {
		OrderID    string `json:"orderId"`
		CustomerID string `json:"customerId"`
		Amount     int64  `json:"amount"` // cents
	}
	// Authorization is money held for the order.
	Authorization struct {
		PaymentID string `json:"paymentId"`
	}
	// Receipt is money taken.
	Receipt struct {
		ConfirmationCode string `json:"confirmationCode"`
	}

	// Parcel is asked of PickOrder and ShipOrder.
	Parcel struct {
		OrderID   string `json:"orderId"`
		Lines     []Line `json:"lines"`
		Address   string `json:"address,omitempty"`
		Signature bool   `json:"signature,omitempty"`
		Canceled  bool   `json:"canceled,omitempty"` // the customer wants it no more: refuse it
	}
	// Line is one kind of thing in a parcel.
	Line struct {
		ItemID string `json:"itemId"`
		Qty    int64  `json:"qty"`
	}
	// Picked says where the parcel was packed, if whoever did says so.
	Picked struct {
		Warehouse string `json:"warehouse,omitempty"`
	}
	// Shipment is a parcel that a carrier has taken.
	Shipment struct {
		ShipmentID string `json:"shipmentId"`
	}

	// Consignment is asked of TrackShipment and VerifyDelivery.
	Consignment struct {
		OrderID    string `json:"orderId"`
		ShipmentID string `json:"shipmentId"`
	}
	// Tracking is where a parcel has got to.
	Tracking struct {
		TrackingID string `json:"trackingId"`
		Status     string `json:"status"`
	}
	// Proof is what the carrier shows.
	Proof struct {
		ProofOfDelivery string `json:"proofOfDelivery"`
	}

	// Price is what a delivery costs the shop, in cents.
	Price struct {
		Amount int64 `json:"amount"`
	}
	// Bill is asked of PayCarrier.
	Bill struct {
		OrderID    string `json:"orderId"`
		ShipmentID string `json:"shipmentId"`
		Amount     int64  `json:"amount"`
	}
	// Payout is money that went to the carrier.
	Payout struct {
		PayoutID string `json:"payoutId"`
	}
	// Letter is asked of Thank.
	Letter struct {
		OrderID    string `json:"orderId"`
		CustomerID string `json:"customerId"`
	}
)
