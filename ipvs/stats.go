package ipvs

// Stats count what a service or destination has handled since it was added or
// since the counters were zeroed, and the kernel's estimate of the present rate.
type Stats struct {
	Connections           uint64
	PacketsIn, PacketsOut uint64
	BytesIn, BytesOut     uint64

	ConnectionRate              uint64 // per second
	PacketRateIn, PacketRateOut uint64 // per second
	ByteRateIn, ByteRateOut     uint64 // per second
}

// EntryStatus is a service as it runs.
type EntryStatus struct {
	Service
	Stats        Stats
	Destinations []DestinationStatus
}

// DestinationStatus is a destination as it runs.
type DestinationStatus struct {
	Destination
	Active     uint32 // connections that are established
	Inactive   uint32 // connections in any other state
	Persistent uint32 // persistence templates
	Stats      Stats
}
