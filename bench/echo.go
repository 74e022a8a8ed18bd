// SPDX-License-Identifier: MIT

// An echo server in Go: a goroutine for each connection. TCP_NODELAY is the
// net package's default.
package main

import (
	"fmt"
	"net"
)

const bufferBytes = 2048

func serve(client net.Conn) {
	defer client.Close()
	buffer := make([]byte, bufferBytes)
	for {
		got, err := client.Read(buffer)
		if err != nil {
			return
		}
		if _, err = client.Write(buffer[:got]); err != nil {
			return
		}
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("port", listener.Addr().(*net.TCPAddr).Port)
	for {
		client, err := listener.Accept()
		if err == nil {
			go serve(client)
		}
	}
}
