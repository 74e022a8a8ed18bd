// SPDX-License-Identifier: MIT

// What the programs for tasks measure, with goroutines:
//
//	tasks yield|create|queue|parked|timer [COUNT]
//	tasks lock|handover|semaphore|event|wait_for [COUNT]
//	tasks gather TASKS [COUNT]
package main

import (
	"context"
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

func lock(count int) {
	var it sync.Mutex
	start := cpuNs()
	for i := 0; i < count; i++ {
		it.Lock()
		it.Unlock()
	}
	printEach("ns", start, count)
}

func semaphore(count int) {
	it := make(chan struct{}, 10)
	start := cpuNs()
	for i := 0; i < count; i++ {
		it <- struct{}{}
		<-it
	}
	printEach("ns", start, count)
}

// A sync.Mutex is not handed over: who releases it can take it again before
// the one who waits has run. A channel with room for one is. A goroutine that
// the runtime stops when it is about to wait gets its chance to.
func handover(count int) {
	it, last := make(chan struct{}, 1), 0
	var done sync.WaitGroup
	done.Add(2)
	it <- struct{}{}
	for me := 1; me <= 2; me++ {
		go func() {
			for i := 0; i < count/2; i++ {
				it <- struct{}{}
				if last == me {
					runtime.Gosched()
				}
				last = me
				<-it
			}
			done.Done()
		}()
	}
	runtime.Gosched()
	start := cpuNs()
	<-it
	done.Wait()
	printEach("ns", start, count)
}

func event(count int) {
	ping, pong := make(chan struct{}, 1), make(chan struct{}, 1)
	var done sync.WaitGroup
	done.Add(2)
	answer := func(mine, other chan struct{}) {
		for i := 0; i < count/2; i++ {
			<-mine
			other <- struct{}{}
		}
		done.Done()
	}
	go answer(ping, pong)
	go answer(pong, ping)
	runtime.Gosched()
	start := cpuNs()
	ping <- struct{}{}
	done.Wait()
	printEach("ns", start, count)
}

func gatherOnce(results []int) {
	var done sync.WaitGroup
	done.Add(len(results))
	for i := range results {
		go func() {
			results[i] = i
			done.Done()
		}()
	}
	done.Wait()
}

func gather(tasks, count int) {
	tasks = min(tasks, count)
	results := make([]int, tasks)
	start := cpuNs()
	gatherOnce(results)
	printEach("first_ns", start, tasks)
	start = cpuNs()
	for i := 0; i < count/tasks; i++ {
		gatherOnce(results)
	}
	printEach("ns", start, count/tasks*tasks)
}

func waitFor(count int) {
	start := cpuNs()
	for i := 0; i < count; i++ {
		limit, cancel := context.WithTimeout(context.Background(),
			10*time.Second)
		result := make(chan int, 1)
		go func() { result <- 7 }()
		select {
		case <-result:
		case <-limit.Done():
			panic("it was not in time")
		}
		cancel()
	}
	printEach("ns", start, count)
}

func argument(index, fallback int) int {
	if len(os.Args) > index {
		fallback, _ = strconv.Atoi(os.Args[index])
	}
	return fallback
}

func main() {
	count := argument(2, 1000000)
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
	case "lock":
		lock(count)
	case "handover":
		handover(count)
	case "semaphore":
		semaphore(count)
	case "event":
		event(count)
	case "gather":
		gather(count, argument(3, 1000000))
	case "wait_for":
		waitFor(count)
	}
}
