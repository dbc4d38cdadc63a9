//go:build tools

// grpc-go's own programs of the interoperability suite, pinned: tests/peers/run builds them.
package main

import (
	_ "google.golang.org/grpc/interop/client"
	_ "google.golang.org/grpc/interop/http2"
	_ "google.golang.org/grpc/interop/server"
)
