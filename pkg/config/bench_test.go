package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/pkg/config/syntax"
)

// services is a file of about that many lines: virtual servers with twenty
// real servers each, every one with a checker.
func services(lines int) string {
	var b strings.Builder
	for n := 0; lines > 0; n++ {
		fmt.Fprintf(&b, "virtual_server 10.%d.%d.1 80 {\n    delay_loop 6\n    lb_algo wrr\n    lb_kind NAT\n    protocol TCP\n", n>>8&255, n&255)
		for r := range 20 {
			fmt.Fprintf(&b, "    real_server 10.%d.%d.%d 80 {\n        weight 1\n        TCP_CHECK {\n            connect_timeout 3\n            retry 2\n            delay_before_retry 1\n        }\n    }\n", n>>8&255, n&255, r+10)
		}
		b.WriteString("}\n")
		lines -= 6 + 20*8
	}
	return b.String()
}

func BenchmarkLoad(b *testing.B) {
	for _, lines := range []int{20_000, 200_000} {
		text := services(lines)
		b.Run(fmt.Sprint(lines), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				r := config.Load("big.conf", syntax.Options{Source: syntax.Text("big.conf", text)}, config.Test, testMachine())
				if len(r.Problems) > 0 {
					b.Fatal(r.Problems[0].Text)
				}
			}
		})
	}
}
