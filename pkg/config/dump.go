package config

// DumpData is the configuration part of keepalived's data dump.
func (r *Reading) DumpData() string { return "" }
