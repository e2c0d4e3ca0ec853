package main

import (
	"fmt"

	"github.com/holdfast-lb/holdfast/pkg/netlab"
)

const address = "10.5.0.50"

// lan is two routers and a client.
type lan struct {
	*netlab.Lab
	r      [2]*netlab.Namespace
	port   [2]*netlab.Port
	client *netlab.Namespace
}

func (b *bench) lan() *lan {
	l := &lan{Lab: netlab.New(b)}
	sw := l.Switch("sw")
	for i := range l.r {
		l.r[i] = l.Namespace(fmt.Sprintf("r%d", i+1))
		l.port[i] = sw.Connect(l.r[i], "eth0", fmt.Sprintf("10.5.0.%d/24", i+1))
		l.r[i].Serve("udp", "0.0.0.0:7")
	}
	l.client = l.Namespace("client")
	sw.Connect(l.client, "eth0", "10.5.0.100/24")
	return l
}

// instances is a configuration of n virtual routers, each with one address and the lines
// in more.
func instances(n, priority int, advert, more string) string {
	return times(n, func(i int) string {
		vip := address + "/24"
		if i > 0 {
			vip = fmt.Sprintf("10.5.1.%d/32", i)
		}
		return fmt.Sprintf("vrrp_instance VI_%d {\n state BACKUP\n interface eth0\n virtual_router_id %d\n priority %d\n advert_int %s\n version 3\n virtual_ipaddress {\n %s\n }\n%s}\n",
			i, i+1, priority, advert, vip, more)
	})
}

func measureVRRP(b *bench) {
	measureTakeover(b)
	measureStop(b)
	measureAdverts(b)
	measureAddresses(b)
}
