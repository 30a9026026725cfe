package httpsource_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	httpsource "github.com/org/aegis/federation/source/http"
)

func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "\x00asm\x01\x00\x00\x00")
	}))
	defer server.Close()
	src := httpsource.New(httpsource.Config{})
	a, err := src.Fetch(context.Background(), server.URL+"/inventory.wasm")
	fmt.Println(a.MediaType, a.Digest[:14], err)
	_, err = src.Fetch(context.Background(), "http://modules.example.com/inventory.wasm")
	fmt.Println(err)
	// Output:
	// application/wasm sha256:93a44bb <nil>
	// httpsource: fetch http://modules.example.com/inventory.wasm: plain http to another host: use https, or set Config.AllowPlain
}
