package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/holdfast-lb/holdfast/pkg/script"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLine(t *testing.T) {
	for _, tt := range []struct {
		event Event
		want  string
	}{
		{Event{Kind: Instance, Name: "VI 1", State: Master, Priority: 150}, `INSTANCE "VI 1" MASTER 150`},
		{Event{Kind: Instance, Name: "VI_1", State: MasterRxLowerPrio, Priority: 99}, `INSTANCE "VI_1" MASTER_RX_LOWER_PRI 99`},
		{Event{Kind: Group, Name: "G", State: Fault, Priority: 7}, `GROUP "G" FAULT 0`},
		{Event{Kind: VirtualServer, Name: "[10.0.0.1]:tcp:80", State: Up}, `VS [10.0.0.1]:tcp:80 UP`},
		{Event{Kind: VirtualServer, Name: "FWM 3", State: Down}, `VS FWM 3 DOWN`},
		{
			Event{Kind: RealServer, Name: "[10.0.0.2]:tcp:80", Service: "[10.0.0.1]:tcp:80", State: Down},
			`RS [10.0.0.2]:tcp:80 [10.0.0.1]:tcp:80 DOWN`,
		},
	} {
		if got := tt.event.Line(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

// machine plays the scripts: each runs for as long as told, or until killed.
type machine struct {
	began time.Time
	lasts time.Duration

	mu  sync.Mutex
	log []string
}

type fake struct{ ended chan error }

func (f fake) Wait() (script.Result, error) { return script.Result{}, <-f.ended }

func (m *machine) note(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log = append(m.log, fmt.Sprintf("%v ", time.Since(m.began))+fmt.Sprintf(format, args...))
}

func (m *machine) start(ctx context.Context, c script.Command) (process, error) {
	m.note("%s", strings.Join(c.Args, " "))
	f := fake{make(chan error, 1)}
	go func() {
		select {
		case <-time.After(m.lasts):
			f.ended <- nil
		case <-ctx.Done():
			m.note("killed %s", strings.Join(c.Args, " "))
			f.ended <- ctx.Err()
		}
	}()
	return f, nil
}

// play runs f against a hub whose scripts last that long, in virtual time, and
// returns when which script was started.
func play(t *testing.T, lasts time.Duration, f func(*Hub)) []string {
	t.Helper()
	m := &machine{lasts: lasts}
	synctest.Test(t, func(t *testing.T) {
		m.began = time.Now()
		h := New(Settings{}, zap.NewNop())
		h.start = m.start
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = h.Run(ctx) })
		f(h)
		cancel()
		wg.Wait()
		synctest.Wait()
	})
	return m.log
}

func command(args ...string) *script.Command { return &script.Command{Args: args} }

// change is an event as an instance with both kinds of scripts has it.
func change(state string) Event {
	return Event{
		Kind: Instance, Name: "VI_1", State: state, Priority: 100,
		Specific: command("is", strings.ToLower(state)), Generic: command("any"),
	}
}

func TestScripts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lasts time.Duration
		play  func(*Hub)
		want  []string
	}{
		{
			name:  "simple transitions run both scripts at once, specific first",
			lasts: time.Second,
			play: func(h *Hub) {
				h.Tell(change(Backup))
				time.Sleep(4 * time.Second)
				h.Tell(change(Master))
				time.Sleep(4 * time.Second)
			},
			want: []string{
				"0s is backup", "0s any INSTANCE VI_1 BACKUP 100",
				"4s is master", "4s any INSTANCE VI_1 MASTER 100",
			},
		},
		{
			name:  "a flap is reduced to the state it ends in",
			lasts: 3 * time.Second,
			play: func(h *Hub) {
				for _, s := range []string{Master, Backup, Fault, Backup, Master, Backup} {
					h.Tell(change(s))
					time.Sleep(100 * time.Millisecond)
				}
				time.Sleep(time.Minute)
			},
			want: []string{
				"0s is master", "0s any INSTANCE VI_1 MASTER 100",
				"3s is backup", "3s any INSTANCE VI_1 BACKUP 100",
			},
		},
		{
			name:  "objects do not wait for each other",
			lasts: 3 * time.Second,
			play: func(h *Hub) {
				h.Tell(Event{Kind: Instance, Name: "a", State: Master, Specific: command("a")})
				h.Tell(Event{Kind: Group, Name: "a", State: Master, Generic: command("g")})
				h.Tell(Event{Kind: RealServer, Name: "r", Service: "1", State: Up, Specific: command("r1")})
				h.Tell(Event{Kind: RealServer, Name: "r", Service: "2", State: Up, Specific: command("r2")})
				time.Sleep(time.Minute)
			},
			want: []string{"0s a", "0s g GROUP a MASTER 0", "0s r1", "0s r2"},
		},
		{
			name:  "a remark neither waits for a state nor replaces it",
			lasts: 3 * time.Second,
			play: func(h *Hub) {
				h.Tell(Event{Name: "a", State: Backup, Specific: command("backup")})
				h.Tell(Event{Name: "a", State: Master, Specific: command("master")})
				h.Tell(Event{Name: "a", State: MasterRxLowerPrio, Specific: command("lower")})
				time.Sleep(time.Minute)
			},
			want: []string{"0s backup", "0s lower", "3s master"},
		},
		{
			name:  "a script that does not end is left behind",
			lasts: time.Hour,
			play: func(h *Hub) {
				h.Tell(Event{Name: "a", State: Master, Specific: command("master")})
				h.Tell(Event{Name: "a", State: Backup, Specific: command("backup")})
				time.Sleep(2 * time.Hour)
			},
			want: []string{"0s master", "10s backup"},
		},
		{
			name:  "stop is told at once and scripts get a second",
			lasts: time.Hour,
			play: func(h *Hub) {
				h.Tell(Event{Name: "a", State: Master, Specific: command("master")})
				time.Sleep(time.Second)
				h.Tell(Event{Name: "a", State: Stop, Specific: command("stop")})
				h.Tell(Event{Name: "b", State: Stop, Specific: command("stop b")})
			},
			want: []string{"0s master", "1s stop b", "1s stop", "2s killed", "2s killed", "2s killed"},
		},
		{
			name:  "stop does not wait longer than needed",
			lasts: 100 * time.Millisecond,
			play:  func(h *Hub) { h.Tell(change(Stop)) },
			want:  []string{"0s is stop", "0s any INSTANCE VI_1 STOP 100"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := play(t, tt.lasts, tt.play)
			for i, line := range got { // the order in which they die is nobody's concern
				if at, what, _ := strings.Cut(line, " "); strings.HasPrefix(what, "killed") {
					got[i] = at + " killed"
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever happens how fast: of each object the first and the last state are
// reported, in order, and no two at once.
func TestFinalStateIsDelivered(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lasts := time.Duration(rapid.IntRange(1, 5).Draw(rt, "lasts")) * time.Second
		gaps := rapid.SliceOfN(rapid.IntRange(0, 8), 1, 12).Draw(rt, "gaps")
		got := play(t, lasts, func(h *Hub) {
			for i, gap := range gaps {
				h.Tell(Event{Name: "a", State: fmt.Sprint(i), Specific: command(fmt.Sprint(i))})
				time.Sleep(time.Duration(gap) * time.Second)
			}
			time.Sleep(time.Minute)
		})
		if len(got) == 0 || !strings.HasSuffix(got[len(got)-1], fmt.Sprintf(" %d", len(gaps)-1)) {
			rt.Fatalf("last of %d states is missing: %q", len(gaps), got)
		}
		var before time.Duration = -time.Hour
		last := -1
		for _, line := range got {
			at, what, _ := strings.Cut(line, " ")
			d, err := time.ParseDuration(at)
			if err != nil {
				rt.Fatal(err)
			}
			var n int
			if _, err := fmt.Sscan(what, &n); err != nil {
				rt.Fatalf("%q: %v", line, err)
			}
			if n <= last || d-before < lasts {
				rt.Fatalf("out of order or at once: %q", got)
			}
			last, before = n, d
		}
	})
}

func TestFailingStartDoesNotBlockTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Settings{}, zap.NewNop())
		var started []string
		h.start = func(_ context.Context, c script.Command) (process, error) {
			started = append(started, c.Args[0])
			return nil, errors.New("no such file")
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = h.Run(ctx) })
		for _, s := range []string{"1", "2"} {
			h.Tell(Event{Name: "a", State: s, Specific: command(s)})
			synctest.Wait()
		}
		cancel()
		wg.Wait()
		if diff := cmp.Diff([]string{"1", "2"}, started); diff != "" {
			t.Error(diff)
		}
	})
}
