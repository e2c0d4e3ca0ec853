package probe

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"sort"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

// benchServer is set in the environment of the server that the benchmarks
// start, so that its work is not counted.
const benchServer = "HOLDFAST_BENCH_SERVER"

func init() {
	if os.Getenv(benchServer) == "" {
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	for {
		c, err := l.Accept()
		if err != nil {
			continue
		}
		go func() {
			defer c.Close()
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")
			}
		}()
	}
}

func startBenchServer(b *testing.B) netip.AddrPort {
	b.Helper()
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), benchServer+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return netip.MustParseAddrPort(line[:len(line)-1])
}

// BenchmarkEngine makes many checks, each every five seconds, for b.N periods
// after the first: run it with -benchtime=3x. It reports processor time per
// check, the lateness of the latest percent, and the memory in use.
func BenchmarkEngine(b *testing.B) {
	page := healthcheck.HTTP{URLs: []healthcheck.URL{{Path: "/"}}}
	for _, bb := range []struct {
		name string
		ask  healthcheck.Question
		n    int
	}{{"tcp", healthcheck.TCP{}, 2000}, {"tcp", healthcheck.TCP{}, 10000}, {"http", page, 5000}} {
		b.Run(fmt.Sprintf("%s/%d", bb.name, bb.n), func(b *testing.B) { benchmarkEngine(b, bb.ask, bb.n) })
	}
}

func benchmarkEngine(b *testing.B, ask healthcheck.Question, n int) {
	const period = 5 * time.Second
	server := startBenchServer(b)
	specs := make([]healthcheck.Spec, n)
	for i := range specs {
		// Each target is an address of its own, as real servers are.
		to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), server.Port())
		specs[i] = healthcheck.Spec{
			Key: fmt.Sprint(i), For: healthcheck.Name{Real: "rs", Virtual: "vs"}, Ask: ask, Target: to,
			Timing: healthcheck.Timing{DelayLoop: period, Warmup: period, Retry: 1, DelayBeforeRetry: time.Second, ConnectTimeout: 3 * time.Second},
		}
	}
	down := 0
	e, err := New(Options{Alone: true, Event: func(ev healthcheck.Event) {
		if !ev.Up {
			down++
		}
	}})
	if err != nil {
		b.Fatal(err)
	}
	e.Set(specs)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- e.Run(ctx) }()
	<-time.After(period + 2*time.Second) // until all have been made once
	runs0, cpu0 := runs(b, e), cpu()
	for range b.N {
		<-time.After(period)
	}
	cpu1 := cpu()
	all, err := e.Snapshot(ctx)
	if err != nil {
		b.Fatal(err)
	}
	late := make([]float64, 0, n)
	var total uint64
	for _, s := range all {
		total += s.Runs
		late = append(late, float64(s.Lateness.Microseconds())/1000)
	}
	sort.Float64s(late)
	made := float64(total - runs0)
	b.ReportMetric(float64((cpu1-cpu0).Microseconds())/made, "cpu-µs/check")
	b.ReportMetric(100*(cpu1-cpu0).Seconds()/(time.Duration(b.N)*period).Seconds(), "cpu-%")
	b.ReportMetric(made/(time.Duration(b.N)*period).Seconds(), "checks/s")
	b.ReportMetric(late[len(late)*99/100], "late-p99-ms")
	b.ReportMetric(float64(resident(b))/(1<<20), "MiB")
	b.ReportMetric(0, "ns/op")
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	if down > 0 {
		b.Errorf("%d failures", down)
	}
}

func runs(b *testing.B, e *Engine) (n uint64) {
	all, err := e.Snapshot(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range all {
		n += s.Runs
	}
	return n
}

// cpu is the processor time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func resident(b *testing.B) int {
	buf, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Fatal(err)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(buf), &size, &pages); err != nil {
		b.Fatal(err)
	}
	return pages * os.Getpagesize()
}
