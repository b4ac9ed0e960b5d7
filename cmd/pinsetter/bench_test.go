package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
)

// binary builds the program as `make build` does and returns its path.
func binary(b *testing.B) string {
	b.Helper()
	return parts.Build(b, ".", "pinsetter")
}

// cost is what a process took.
type cost struct {
	wall time.Duration
	cpu  time.Duration
	peak int64 // resident bytes
}

// and returns what two processes took, one after the other.
func (c cost) and(other cost) cost {
	return cost{c.wall + other.wall, c.cpu + other.cpu, max(c.peak, other.peak)}
}

// measure runs a command to its end. The peak is of pinsetter alone, looked at
// until the end: that of wait4 has the memory of the process that forked.
func measure(b *testing.B, name string, args ...string) cost {
	b.Helper()
	c, out, err := measureAny(b, name, args...)
	if err != nil {
		b.Fatalf("%s: %v\n%s", name, err, out)
	}
	return c
}

// measureAny is measure of a command that may fail, and returns what it says.
func measureAny(b *testing.B, name string, args ...string) (cost, string, error) {
	b.Helper()
	var out bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	started := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan struct{})
	peak := make(chan int64)
	go func() { peak <- watch(cmd.Process.Pid, ended) }()
	err := cmd.Wait()
	c := cost{wall: time.Since(started), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	close(ended)
	c.peak = <-peak
	return c, out.String(), err
}

// watch returns the most memory that a process was seen to have had, in bytes.
func watch(pid int, ended chan struct{}) int64 {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	var most int64
	for {
		most = max(most, peak(pid))
		select {
		case <-ended:
			return most
		case <-tick.C:
		}
	}
}

// peak returns the most memory that a pinsetter has had, which Linux calls VmHWM,
// in bytes. It is 0 once the process is gone, and before it is pinsetter.
func peak(pid int) int64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes int64
	if _, err := fmt.Sscan(after, &kilobytes); err != nil || !strings.Contains(string(status), "pinsetter") {
		return 0
	}
	return kilobytes << 10
}

// tally holds what runs of the program took, beside their yardsticks, and what
// they asked of servers.
type tally struct {
	logs           []*parts.Log
	requests       int
	sent, received int64 // bytes, as the program sees it
	ours, theirs   []cost
}

// run adds a run of the program and of its yardstick.
func (t *tally) run(ours, theirs func() cost) {
	t.theirs = append(t.theirs, theirs())
	for _, log := range t.logs {
		log.Reset()
	}
	t.ours = append(t.ours, ours())
	for _, log := range t.logs {
		came, went := log.Bytes()
		t.sent, t.received, t.requests = t.sent+came, t.received+went, t.requests+log.Count("", "")
	}
}

// report reports medians, which one busy moment of the machine leaves alone, and
// the highest peak. Unit is of the time over the yardstick's.
func (t *tally) report(b *testing.B, unit string) {
	b.Helper()
	wall := func(c cost) time.Duration { return c.wall }
	ours, theirs := median(t.ours, wall), median(t.theirs, wall)
	b.ReportMetric(float64(ours), "ns/op")
	b.ReportMetric(ours.Seconds()/theirs.Seconds(), unit)
	b.ReportMetric(median(t.ours, func(c cost) time.Duration { return c.cpu }).Seconds(), "cpu-s")
	b.ReportMetric(float64(most(t.ours))/1e6, "peak-MB")
	if len(t.logs) > 0 {
		runs := float64(len(t.ours))
		b.ReportMetric(float64(t.requests)/runs, "requests")
		b.ReportMetric(float64(t.sent)/1e3/runs, "sent-KB")
		b.ReportMetric(float64(t.received)/1e3/runs, "received-KB")
	}
}

// median returns the middle one of the times that of returns.
func median(costs []cost, of func(cost) time.Duration) time.Duration {
	var times []time.Duration
	for _, c := range costs {
		times = append(times, of(c))
	}
	slices.Sort(times)
	return times[len(times)/2]
}

// most returns the highest peak.
func most(costs []cost) int64 {
	var peak int64
	for _, c := range costs {
		peak = max(peak, c.peak)
	}
	return peak
}

// BenchmarkStart is a process that does nothing, beside /bin/true.
func BenchmarkStart(b *testing.B) {
	program := binary(b)
	var t tally
	for b.Loop() {
		t.run(func() cost { return measure(b, program, "version") }, func() cost { return measure(b, "true") })
	}
	t.report(b, "x-true")
}
