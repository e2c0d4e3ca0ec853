package config

import "time"

func (d *dumper) bfd(c *Config) {
	d.title("BFD Data")
	d.line(" thread_in = 0x(nil)")
	if len(c.BFD) == 0 {
		return
	}
	d.title("BFD Topology")
	us := func(t time.Duration) int64 { return int64(t / time.Microsecond) }
	for _, b := range c.BFD {
		d.line(" BFD Instance = %s", b.Name)
		d.line("   Neighbor IP = %s", b.Neighbor)
		if b.Source.IsValid() {
			d.line("   Source IP = %s", b.Source)
		}
		d.line("   Required min RX interval = %d us", us(b.MinRx))
		d.line("   Desired min TX interval = %d us", us(b.MinTx))
		d.line("   Desired idle TX interval = %d us", us(b.IdleTx))
		d.line("   Detection multiplier = %d", b.Multiplier)
		d.line("   %s = %d", choose(b.Neighbor.Is6(), "hoplimit", "TTL"), b.TTL)
		d.line("   max_hops = %d", b.MaxHops)
		d.line("   passive = %s", trueFalse(b.Passive))
		d.line("   send event to VRRP process = %s", choose(b.VRRP, "Yes", "No"))
		d.line("   send event to checker process = %s", choose(b.Checkers, "Yes", "No"))
		d.WriteString(bfdAtRest)
	}
}

// bfdAtRest is the state of a session before it began.
const bfdAtRest = `   fd_out -1
   thread_open_fd_out 0x(nil)
   thread_out 0x(nil)
   sands_out = [disabled]
   thread_exp 0x(nil)
   sands_exp = [disabled]
   thread_rst 0x(nil)
   sands_rst = [disabled]
   send error = false
   local state = AdminDown
   remote state = AdminDown
   local discriminator = 0x0
   remote discriminator = 0x0
   local diag = No Diagnostic
   remote diag = No Diagnostic
   remote min tx intv = 0 us
   remote min rx intv = 0 us
   local demand = 0
   remote demand = 0
   remote detect multiplier = 0
   !poll, !final
   local tx intv = 0 us
   remote tx intv = 0 us
   local detection time = 0 us
   remote detection time = 0 us
   last_seen = [never]
`
