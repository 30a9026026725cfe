package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/org/aegis"
	"github.com/org/aegis/datasource/badger"
	"github.com/org/aegis/internal/shop"
)

// createLine creates documents in a host on Badger that does not wait for the
// disk, over loopback. The baseline is a handler that somebody writes by hand
// for this one type: it decodes, validates, encodes and sets one key.
func createLine(ctx context.Context, p plan) (_ []row, err error) {
	dir, err := os.MkdirTemp("", "aegis-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	m, err := open(ctx, aegis.Config{Datasource: badger.New(badger.Config{Dir: filepath.Join(dir, "ours"), NoSync: true})})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	db, err := engine.Open(engine.DefaultOptions(filepath.Join(dir, "baseline")).WithLogger(nil).WithMetricsEnabled(false))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	const body = `{"customerId":"c1","items":[{"sku":"tea","price":450,"qty":2}],"total":0,"status":"pending"}`
	request := []byte("POST /aegis/api/models/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	r, err := duel(ctx, p, m, byHand{db}, "201", func(int) []byte { return request })
	return []row{throughput("POST create over http, on Badger without sync", r, 0.5)}, err
}

// byHand is an API of one method for one type.
type byHand struct{ db *engine.DB }

func (h byHand) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var o shop.Order
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if o.CustomerID == "" || len(o.Items) == 0 {
		http.Error(w, "customerId and items are required", http.StatusUnprocessableEntity)
		return
	}
	o.ID, o.Status, o.Total = rand.Text(), shop.Pending, 0
	for _, i := range o.Items {
		o.Total += i.Price * i.Qty
	}
	b, err := json.Marshal(o)
	if err == nil {
		err = h.db.Update(func(txn *engine.Txn) error { return txn.Set([]byte("order/"+o.ID), b) })
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", orderPath(o.ID))
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(b)
}
