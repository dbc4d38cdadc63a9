// h2specd runs the client cases of h2spec: for each it listens on a port of its own and starts a client, which gets the
// address as its last argument. The released h2spec has the cases as a library alone.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/summerwind/h2spec"
	"github.com/summerwind/h2spec/config"
)

func main() {
	port := flag.Int("from-port", 0, "the first of the ports, one for each case")
	timeout := flag.Int("timeout", 2, "seconds that a client has to react")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "Usage: h2specd --from-port PORT [--timeout SECONDS] CLIENT\n\nCLIENT is one word or several in quotes.")
		flag.PrintDefaults()
	}
	flag.Parse()
	if *port == 0 || flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	c := &config.Config{
		Host:         "127.0.0.1",
		FromPort:     *port,
		Exec:         flag.Arg(0),
		Timeout:      time.Duration(*timeout) * time.Second,
		MaxHeaderLen: 4000,
	}
	if err := h2spec.RunClientSpec(c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
