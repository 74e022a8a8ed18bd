// SPDX-License-Identifier: MIT

// Servers in Go, a goroutine for each connection:
//
//	net echo|send|receive WHERE [CERTIFICATE KEY]
//
// WHERE is a TCP port, or the path of a Unix socket. TCP_NODELAY is the net
// package's default. With a certificate they speak TLS.
package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
)

const (
	bufferBytes = 2048
	blockBytes  = 64 << 10
)

var block = makeBlock()

// The block of flow.h.
func makeBlock() []byte {
	block := make([]byte, blockBytes)
	random := uint32(1)
	for i := range block {
		random ^= random << 13
		random ^= random >> 17
		random ^= random << 5
		block[i] = byte(random >> 8)
	}
	return block
}

func echo(client net.Conn) {
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

func send(client net.Conn) {
	for {
		if _, err := client.Write(block); err != nil {
			return
		}
	}
}

func receive(client net.Conn) {
	buffer := make([]byte, blockBytes)
	for at := 0; ; {
		got, err := client.Read(buffer)
		if err != nil {
			return
		}
		if buffer[0] != block[at%blockBytes] ||
			buffer[got-1] != block[(at+got-1)%blockBytes] {
			panic("the right bytes came")
		}
		at += got
	}
}

func listen(where string) net.Listener {
	network, address := "tcp", "127.0.0.1:"+where
	if where[0] == '/' {
		network, address = "unix", where
		os.Remove(where)
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		panic(err)
	}
	if network == "unix" {
		fmt.Println("port", where)
	} else {
		fmt.Println("port", listener.Addr().(*net.TCPAddr).Port)
	}
	return listener
}

func main() {
	serve := map[string]func(net.Conn){
		"echo": echo, "send": send, "receive": receive}[os.Args[1]]
	listener := listen(os.Args[2])
	if len(os.Args) > 4 {
		pair, err := tls.LoadX509KeyPair(os.Args[3], os.Args[4])
		if err != nil {
			panic(err)
		}
		listener = tls.NewListener(listener,
			&tls.Config{Certificates: []tls.Certificate{pair}})
	}
	for {
		client, err := listener.Accept()
		if err == nil {
			go func() {
				serve(client)
				client.Close()
			}()
		}
	}
}
