package syntax

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	for v := range 130 {
		fmt.Fprintf(&text, "virtual_server 10.0.%d.1 80 {\n    lb_algo rr\n    protocol TCP\n", v)
		for r := range 20 {
			fmt.Fprintf(&text, "    real_server 192.0.2.%d 80 {\n        weight 1 # plain\n        TCP_CHECK {\n            connect_timeout 3\n        }\n    }\n\n", r)
		}
		text.WriteString("}\n")
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		Parse("t.conf", Options{Source: Text("t.conf", text.String())})
	}
}
