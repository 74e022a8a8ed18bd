// SPDX-License-Identifier: MIT

// What the programs for datagrams, files and child processes measure, in Go:
//
//	system udp
//	system files FILE cached|direct COUNT
//	system spawn MIB COUNT
package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	bufferBytes = 2048
	blockBytes  = 4096
	depth       = 64
)

func cpuNs(who int) float64 {
	var u syscall.Rusage
	syscall.Getrusage(who, &u)
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

func require(ok bool, what string) {
	if !ok {
		fmt.Fprintln(os.Stderr, "failed:", what)
		os.Exit(1)
	}
}

func udp() {
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require(err == nil, "ListenUDP")
	fmt.Printf("port udp:%d\n", socket.LocalAddr().(*net.UDPAddr).Port)
	buffer := make([]byte, bufferBytes)
	for {
		got, from, err := socket.ReadFromUDPAddrPort(buffer)
		if err == nil && buffer[0] != 0 {
			socket.WriteToUDPAddrPort(buffer[:got], from)
		}
	}
}

// A block at an address that O_DIRECT takes.
func alignedBlock() []byte {
	data := make([]byte, 2*blockBytes)
	over := int(uintptr(unsafe.Pointer(&data[0])) % blockBytes)
	return data[blockBytes-over:][:blockBytes]
}

// Reads for one of many goroutines, from where its own numbers lead.
func reader(file *os.File, blocks uint32, left *atomic.Int64, random uint32) {
	data := alignedBlock()
	for left.Add(-1) >= 0 {
		random ^= random << 13
		random ^= random >> 17
		random ^= random << 5
		block := random % blocks
		got, _ := file.ReadAt(data, int64(block)*blockBytes)
		require(got == blockBytes &&
			binary.LittleEndian.Uint32(data) == block, "the right block came")
	}
}

func files(path, how string, count int) {
	flags := os.O_RDONLY
	if how == "direct" {
		flags |= syscall.O_DIRECT
	}
	file, err := os.OpenFile(path, flags, 0)
	require(err == nil, path)
	status, err := file.Stat()
	require(err == nil, path)
	var left atomic.Int64
	var done sync.WaitGroup
	left.Store(int64(count))
	start, began := cpuNs(syscall.RUSAGE_SELF), time.Now()
	for i := 0; i < depth; i++ {
		done.Add(1)
		go func(i int) {
			reader(file, uint32(status.Size()/blockBytes), &left, uint32(i+1))
			done.Done()
		}(i)
	}
	done.Wait()
	cpu, wall := cpuNs(syscall.RUSAGE_SELF)-start, time.Since(began)
	fmt.Printf("ns %.3f\n", cpu/float64(count))
	fmt.Printf("wall_ns %.3f\n", float64(wall.Nanoseconds())/float64(count))
}

func spawn(mib, count int) {
	if mib > 0 {
		held, err := syscall.Mmap(-1, 0, mib<<20,
			syscall.PROT_READ|syscall.PROT_WRITE,
			syscall.MAP_PRIVATE|syscall.MAP_ANON)
		require(err == nil, "memory")
		syscall.Madvise(held, 15) // MADV_NOHUGEPAGE
		for i := 0; i < len(held); i += blockBytes {
			held[i] = 1
		}
	}
	own, children := cpuNs(syscall.RUSAGE_SELF), cpuNs(syscall.RUSAGE_CHILDREN)
	for i := 0; i < count; i++ {
		command := exec.Command("/bin/true")
		command.Env = []string{}
		require(command.Run() == nil, "true")
	}
	own = cpuNs(syscall.RUSAGE_SELF) - own
	children = cpuNs(syscall.RUSAGE_CHILDREN) - children
	fmt.Printf("ns %.3f\n", own/float64(count))
	fmt.Printf("all_ns %.3f\n", (own+children)/float64(count))
}

func number(index int) int {
	value, _ := strconv.Atoi(os.Args[index])
	return value
}

func main() {
	switch os.Args[1] {
	case "udp":
		udp()
	case "files":
		files(os.Args[2], os.Args[3], number(4))
	case "spawn":
		spawn(number(2), number(3))
	}
}
