package parts

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"sync"
	"time"
)

// readyWithin bounds the start of a process: registry v3 took 0.2 s on an idle
// machine and 1.5 s on a busy one. One that ends is noticed at once.
const readyWithin = patience

// process is a server process of a test.
type process struct {
	command *exec.Cmd
	output  *output
	gone    chan struct{} // closed when it ends
}

// start runs a program until t ends.
func start(t T, env []string, path string, args ...string) *process {
	t.Helper()
	p := &process{command: exec.Command(path, args...), output: &output{}, gone: make(chan struct{})}
	p.command.Env = env
	p.command.Stdout, p.command.Stderr = p.output, p.output
	if err := p.command.Start(); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	go func() {
		_ = p.command.Wait()
		close(p.gone)
	}()
	t.Cleanup(p.stop)
	return p
}

func (p *process) stop() {
	_ = p.command.Process.Kill()
	<-p.gone
}

// await calls ready until it returns nil. If the process ends or takes too
// long, the error contains its output.
func (p *process) await(ready func(context.Context) error) error {
	return p.awaitFor(readyWithin, ready)
}

// awaitFor is await for a process that may take another time.
func (p *process) awaitFor(within time.Duration, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.gone:
			return fmt.Errorf("%s ended: %s", p.command.Path, p.output)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready after %v: %w: %s", p.command.Path, within, err, p.output)
		case <-tick.C:
		}
	}
}

// freeAddress returns an address of 127.0.0.1 with a port that is free now. The
// port is below 32768, from where Linux assigns ports by itself. No other call
// returns it until t ends, in this process or another: its UDP port, which nobody
// needs, is taken meanwhile.
func freeAddress(t T) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))
		taken, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		if listener, err := net.Listen("tcp", addr); err == nil {
			_ = listener.Close()
			t.Cleanup(func() { _ = taken.Close() })
			return addr
		}
		_ = taken.Close()
	}
	t.Fatalf("find a free port: 100 were taken")
	return ""
}

// output stores the output of a process. It is safe for concurrent use.
type output struct {
	mu   sync.Mutex
	data bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.String()
}
