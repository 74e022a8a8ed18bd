// SPDX-License-Identifier: MIT

// What the programs for tasks measure, with goroutines:
//
//	tasks yield|create|queue|parked|timer [COUNT]
package main

import (
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

func cpuNs() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

func printEach(key string, start float64, count int) {
	fmt.Printf("%s %.3f\n", key, (cpuNs()-start)/float64(count))
}

func yield(count int) {
	var done sync.WaitGroup
	done.Add(2)
	start := cpuNs()
	for i := 0; i < 2; i++ {
		go func() {
			for j := 0; j < count/2; j++ {
				runtime.Gosched()
			}
			done.Done()
		}()
	}
	done.Wait()
	printEach("ns", start, count)
}

func create(count int) {
	result := make(chan int)
	start := cpuNs()
	for i := 0; i < count; i++ {
		go func() { result <- 7 }()
		<-result
	}
	printEach("ns", start, count)
}

func queue(count, room int) {
	items := make(chan int, room)
	start := cpuNs()
	go func() {
		for i := 0; i < count; i++ {
			items <- i
		}
		close(items)
	}()
	for range items {
	}
	printEach("ns", start, count)
}

func statusKib(key string) float64 {
	text, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(text), key)
	kib, _ := strconv.Atoi(strings.Fields(rest)[0])
	return float64(kib)
}

func parked(count int) {
	var running sync.WaitGroup
	resident, tables := statusKib("VmRSS:"), statusKib("VmPTE:")
	running.Add(count)
	for i := 0; i < count; i++ {
		go func() {
			running.Done()
			time.Sleep(time.Hour)
		}()
	}
	running.Wait()
	runtime.Gosched()
	each := 1024 / float64(count)
	fmt.Printf("bytes %.3f\n", (statusKib("VmRSS:")-resident)*each)
	fmt.Printf("table_bytes %.3f\n", (statusKib("VmPTE:")-tables)*each)
}

func timer(count int) {
	const armed = 10000
	some := func() time.Duration {
		return time.Minute + time.Duration(rand.Intn(10000))*time.Millisecond
	}
	for i := 0; i < armed; i++ {
		defer time.AfterFunc(some(), func() {}).Stop()
	}
	start := cpuNs()
	for i := 0; i < count; i++ {
		time.AfterFunc(some(), func() {}).Stop()
	}
	printEach("cancel_ns", start, count)
}

func main() {
	count := 1000000
	if len(os.Args) > 2 {
		count, _ = strconv.Atoi(os.Args[2])
	}
	switch os.Args[1] {
	case "yield":
		yield(count)
	case "create":
		create(count)
	case "queue":
		queue(count, 64)
	case "parked":
		parked(count)
	case "timer":
		timer(count)
	}
}
