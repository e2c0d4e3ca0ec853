package kernel

import (
	"time"

	"github.com/holdfast-lb/holdfast/pkg/netstate"
	"golang.org/x/sys/unix"
)

// The kernel counts the smoothed round trip time in eighths and its variance in
// quarters of a millisecond.
const (
	rttUnit    = time.Millisecond / 8
	rttVarUnit = time.Millisecond / 4
)

// ticks converts the kernel's clock ticks for user space, of which there are
// always 100 a second.
func ticks(n uint32) time.Duration { return time.Duration(n) * 10 * time.Millisecond }

func encodeMetrics(m *builder, x netstate.Metrics) {
	if x == (netstate.Metrics{}) {
		return
	}
	m.group(unix.RTA_METRICS|nested, func(m *builder) {
		m.u32if(unix.RTAX_LOCK, uint32(x.Lock))
		m.u32if(unix.RTAX_MTU, x.MTU)
		m.u32if(unix.RTAX_WINDOW, x.Window)
		m.u32if(unix.RTAX_RTT, uint32(x.RTT/rttUnit))
		m.u32if(unix.RTAX_RTTVAR, uint32(x.RTTVar/rttVarUnit))
		m.u32if(unix.RTAX_SSTHRESH, x.SSThresh)
		m.u32if(unix.RTAX_CWND, x.CWND)
		m.u32if(unix.RTAX_ADVMSS, x.AdvMSS)
		m.u32if(unix.RTAX_REORDERING, x.Reordering)
		m.u32if(unix.RTAX_HOPLIMIT, x.HopLimit)
		m.u32if(unix.RTAX_INITCWND, x.InitCWND)
		m.u32if(unix.RTAX_FEATURES, x.Features)
		m.u32if(unix.RTAX_RTO_MIN, uint32(x.RTOMin/time.Millisecond))
		m.u32if(unix.RTAX_INITRWND, x.InitRWND)
		if x.QuickACK.Set {
			m.u32(unix.RTAX_QUICKACK, uint32(bit(x.QuickACK.Value)))
		}
		if x.FastOpenNoCookie.Set {
			m.u32(unix.RTAX_FASTOPEN_NO_COOKIE, uint32(bit(x.FastOpenNoCookie.Value)))
		}
		if x.CongCtl != "" {
			m.text(unix.RTAX_CC_ALGO, x.CongCtl)
		}
	})
}

func decodeMetrics(b []byte) netstate.Metrics {
	var x netstate.Metrics
	for kind, v := range attrs(b) {
		switch kind {
		case unix.RTAX_LOCK:
			x.Lock = netstate.Lock(u32(v))
		case unix.RTAX_MTU:
			x.MTU = u32(v)
		case unix.RTAX_WINDOW:
			x.Window = u32(v)
		case unix.RTAX_RTT:
			x.RTT = time.Duration(u32(v)) * rttUnit
		case unix.RTAX_RTTVAR:
			x.RTTVar = time.Duration(u32(v)) * rttVarUnit
		case unix.RTAX_SSTHRESH:
			x.SSThresh = u32(v)
		case unix.RTAX_CWND:
			x.CWND = u32(v)
		case unix.RTAX_ADVMSS:
			x.AdvMSS = u32(v)
		case unix.RTAX_REORDERING:
			x.Reordering = u32(v)
		case unix.RTAX_HOPLIMIT:
			x.HopLimit = u32(v)
		case unix.RTAX_INITCWND:
			x.InitCWND = u32(v)
		case unix.RTAX_FEATURES:
			x.Features = u32(v)
		case unix.RTAX_RTO_MIN:
			x.RTOMin = time.Duration(u32(v)) * time.Millisecond
		case unix.RTAX_INITRWND:
			x.InitRWND = u32(v)
		case unix.RTAX_QUICKACK:
			x.QuickACK = netstate.Some(u32(v) != 0)
		case unix.RTAX_FASTOPEN_NO_COOKIE:
			x.FastOpenNoCookie = netstate.Some(u32(v) != 0)
		case unix.RTAX_CC_ALGO:
			x.CongCtl = text(v)
		}
	}
	return x
}
