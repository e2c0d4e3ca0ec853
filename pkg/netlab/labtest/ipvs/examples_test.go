package ipvs_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

const examples = "../../../../examples/"

// Every file in examples is accepted without a complaint, by keepalived as well, and
// makes the same tables and the same addresses with both.
func TestExamples(t *testing.T) {
	prepare := map[string]func(*netlab.Site){
		"dr-two-directors.conf":    (*netlab.Site).DR,
		"nat-single-director.conf": (*netlab.Site).NAT,
		"tun.conf":                 (*netlab.Site).TUN,
		"vrrp-only-haproxy.conf":   (*netlab.Site).NAT,
	}
	files, err := filepath.Glob(examples + "*.conf")
	if err != nil || len(files) != len(prepare) {
		t.Fatalf("%d examples, want %d (%v)", len(files), len(prepare), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			beside(t, func(t *testing.T, bin string) []string {
				site := lab(t).Site(1, 3)
				prepare[filepath.Base(file)](site)
				for port, kind := range map[int]string{80: "http", 443: "tcp"} {
					site.Serve(kind, port)
				}
				lb := site.Directors[0]
				out, err := lb.Command(bin, "-t", "-f", file)
				if err != nil || out != "" {
					t.Errorf("-t: %v: %s", err, out)
				}
				d := lb.Daemon(bin, string(text))
				site.Eventually(20*time.Second, "the virtual address", func() bool { return lb.Has(netlab.VIP) })
				got := settled(t, lb, d, 1500*time.Millisecond)
				for _, p := range lb.Addrs("eth0") {
					if !p.Addr().IsLinkLocalUnicast() || p.Addr().String() == "fe80::20:100" {
						got = append(got, "address "+p.String())
					}
				}
				d.Stop()
				got = append(got, "after the stop:")
				got = append(got, tables(lb)...)
				if lb.Has(netlab.VIP) {
					got = append(got, "the virtual address is still there")
				}
				return got
			})
		})
	}
}
