package router

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/holdfast-lb/holdfast/pkg/config"
	"github.com/holdfast-lb/holdfast/vrrp"
)

// jsonInstance is an instance as exporters of keepalived expect it. The order
// of the fields and the mixture of numbers and booleans are keepalived's.
type jsonInstance struct {
	Data  jsonData  `json:"data"`
	Stats jsonStats `json:"stats"`
}

type jsonData struct {
	Name           string      `json:"iname"`
	DontTrack      int         `json:"dont_track_primary"`
	SkipCheck      int         `json:"skip_check_adv_addr"`
	Strict         int         `json:"strict_mode"`
	VMAC           string      `json:"vmac_ifname"`
	Interface      string      `json:"ifp_ifname,omitempty"`
	MasterPriority int         `json:"master_priority"`
	LastTransition json.Number `json:"last_transition"`
	GARPDelay      float64     `json:"garp_delay"`
	GARPRefresh    int         `json:"garp_refresh"`
	GARPRepeat     int         `json:"garp_rep"`
	RefreshRepeat  int         `json:"garp_refresh_rep"`
	LowerDelay     int         `json:"garp_lower_prio_delay"`
	LowerRepeat    int         `json:"garp_lower_prio_rep"`
	LowerNoAdvert  int         `json:"lower_prio_no_advert"`
	HigherAdvert   int         `json:"higher_prio_send_advert"`
	VRID           int         `json:"vrid"`
	BasePriority   int         `json:"base_priority"`
	Effective      int         `json:"effective_priority"`
	VIPSet         bool        `json:"vipset"`
	Promote        bool        `json:"promote_secondaries"`
	Interval       float64     `json:"adver_int"`
	MasterInterval float64     `json:"master_adver_int"`
	Accept         int         `json:"accept"`
	NoPreempt      bool        `json:"nopreempt"`
	PreemptDelay   int         `json:"preempt_delay"`
	State          int         `json:"state"`
	WantState      int         `json:"wantstate"`
	Version        int         `json:"version"`
	SMTPAlert      bool        `json:"smtp_alert"`
	NotifyDeleted  bool        `json:"notify_deleted"`
	ScriptBackup   string      `json:"script_backup,omitempty"`
	ScriptMaster   string      `json:"script_master,omitempty"`
	ScriptFault    string      `json:"script_fault,omitempty"`
	ScriptStop     string      `json:"script_stop,omitempty"`
	ScriptDeleted  string      `json:"script_deleted,omitempty"`
	Script         string      `json:"script,omitempty"`
	ScriptLower    string      `json:"script_master_rx_lower_pri,omitempty"`
	VIPs           []string    `json:"vips,omitempty"`
	Excluded       []string    `json:"evips,omitempty"`
	Routes         []string    `json:"vroutes,omitempty"`
	Rules          []string    `json:"vrules,omitempty"`
	TrackIfp       []string    `json:"track_ifp,omitempty"`
	TrackScript    []string    `json:"track_script,omitempty"`
	TrackProcess   []string    `json:"track_process,omitempty"`
	AuthType       int         `json:"auth_type"`
	AuthData       string      `json:"auth_data,omitempty"`
}

type jsonStats struct {
	AdvertsIn      uint64 `json:"advert_rcvd"`
	AdvertsOut     uint64 `json:"advert_sent"`
	BecameMaster   uint64 `json:"become_master"`
	ReleasedMaster uint64 `json:"release_master"`
	Length         uint64 `json:"packet_len_err"`
	Interval       uint64 `json:"advert_interval_err"`
	TTL            uint64 `json:"ip_ttl_err"`
	Type           uint64 `json:"invalid_type_rcvd"`
	AddrList       uint64 `json:"addr_list_err"`
	AuthType       uint64 `json:"invalid_authtype"`
	AuthMismatch   uint64 `json:"authtype_mismatch"`
	AuthFailure    uint64 `json:"auth_failure"`
	Missing        uint64 `json:"auth_ext_missing"`
	Malformed      uint64 `json:"auth_ext_malformed"`
	UnknownKey     uint64 `json:"auth_ext_unknown_key"`
	BadHMAC        uint64 `json:"auth_ext_invalid_hmac"`
	Stale          uint64 `json:"auth_ext_stale"`
	Replay         uint64 `json:"auth_ext_replay"`
	ZeroIn         uint64 `json:"pri_zero_rcvd"`
	ZeroOut        uint64 `json:"pri_zero_sent"`
}

type jsonProcess struct {
	Process    string  `json:"process"`
	Parameters string  `json:"parameters"`
	ParamMatch string  `json:"param_match"`
	Min        int     `json:"min_processes"`
	Max        *int    `json:"max_processes,omitempty"`
	HaveQuorum bool    `json:"have_quorum"`
	Weight     int     `json:"weight"`
	Terminate  float64 `json:"terminate_delay"`
	Fork       float64 `json:"fork_delay"`
	FullCmd    bool    `json:"full_command"`
}

// jsonText is the JSON file; nothing without an instance.
func (r *role) jsonText() ([]byte, error) {
	if len(r.instances) == 0 {
		return nil, nil
	}
	list := make([]jsonInstance, 0, len(r.instances))
	for _, i := range r.instances {
		list = append(list, jsonInstance{Data: r.jsonDataOf(i), Stats: jsonStatsOf(&i.counts)})
	}
	if r.cfg.Global.JSONVersion != 2 {
		return json.Marshal(list)
	}
	return json.Marshal(struct {
		VRRP    []jsonInstance `json:"vrrp"`
		Process []jsonProcess  `json:"track_process,omitempty"`
	}{list, r.jsonProcesses()})
}

func (r *role) jsonDataOf(i *instance) jsonData {
	c, st := i.cfg, i.status()
	seconds := func(d time.Duration) int { return int(d / time.Second) }
	state := int(i.election.state())
	d := jsonData{
		Name: c.Name, DontTrack: number(c.DontTrackPrimary), SkipCheck: number(c.SkipCheckAdvAddr), Strict: number(c.Strict),
		Interface:      c.Interface,
		LastTransition: json.Number(fmt.Sprintf("%d.%06d", i.lastMove.Unix(), i.lastMove.Nanosecond()/1000)),
		GARPDelay:      c.GARP.MasterDelay.Seconds(), GARPRefresh: seconds(c.GARP.Refresh),
		GARPRepeat: c.GARP.MasterRepeat, RefreshRepeat: c.GARP.RefreshRepeat,
		LowerDelay: seconds(c.GARP.LowerPrioDelay), LowerRepeat: c.GARP.LowerPrioRepeat,
		LowerNoAdvert: number(c.LowerPrioNoAdvert), HigherAdvert: number(c.HigherPrioSendAdvert),
		VRID: int(c.VRID), BasePriority: int(c.Priority), Effective: int(st.Priority), MasterPriority: i.masterPriority,
		VIPSet: i.held, Promote: c.PromoteSecondaries,
		Interval: c.AdvertInt.Seconds(), MasterInterval: st.MasterInterval.Seconds(),
		Accept: number(c.Accept), NoPreempt: !c.Preempt, PreemptDelay: seconds(c.PreemptDelay),
		State: state, WantState: state, Version: c.Version, SMTPAlert: c.SMTPAlert, NotifyDeleted: c.NotifyDeleted,
		ScriptBackup: commandLine(c.Notify.Backup), ScriptMaster: commandLine(c.Notify.Master),
		ScriptFault: commandLine(c.Notify.Fault), ScriptStop: commandLine(c.Notify.Stop),
		ScriptDeleted: commandLine(c.Notify.Deleted), Script: commandLine(c.Notify.Any),
		ScriptLower: commandLine(c.Notify.MasterRxLowerPrio),
		AuthType:    int(c.Auth.Type),
	}
	if i.virtual != nil {
		d.VMAC = i.own.Name
	}
	if c.Auth.Type != config.AuthNone {
		d.AuthData = "********"
	}
	r.jsonListsOf(i, &d)
	return d
}

func (r *role) jsonListsOf(i *instance, d *jsonData) {
	c := i.cfg
	for n := range c.VIPs {
		d.VIPs = append(d.VIPs, r.describe(i, n, false))
	}
	for n := range c.ExcludedVIPs {
		d.Excluded = append(d.Excluded, r.describe(i, n, true))
	}
	for _, route := range i.want.Routes {
		d.Routes = append(d.Routes, route.String())
	}
	for _, rule := range i.want.Rules {
		d.Rules = append(d.Rules, rule.String())
	}
	for _, t := range c.TrackInterfaces {
		d.TrackIfp = append(d.TrackIfp, t.Name)
	}
	for _, t := range c.TrackScripts {
		for _, s := range r.cfg.Scripts {
			if s.Name == t.Name {
				d.TrackScript = append(d.TrackScript, commandLine(s.Command))
			}
		}
	}
	for _, t := range c.TrackProcesses {
		d.TrackProcess = append(d.TrackProcess, t.Name)
	}
}

func jsonStatsOf(c *counters) jsonStats {
	return jsonStats{
		AdvertsIn: c.advertsIn, AdvertsOut: c.advertsOut, BecameMaster: c.becameMaster, ReleasedMaster: c.releasedMaster,
		Length: c.length, Interval: c.interval, TTL: c.ttl, Type: c.typ, AddrList: c.addrList,
		AuthType: c.authType, AuthMismatch: c.authOther, AuthFailure: c.authFailed,
		Missing: c.trailerMissing, Malformed: c.malformed, UnknownKey: c.unknownKey, BadHMAC: c.badHMAC,
		Stale: c.stale, Replay: c.replay, ZeroIn: c.zeroIn, ZeroOut: c.zeroOut,
	}
}

func (r *role) jsonProcesses() []jsonProcess {
	var list []jsonProcess
	for _, p := range r.cfg.Processes {
		j := jsonProcess{
			Process: p.Path, Min: p.Quorum, HaveQuorum: r.facts.processes[p.Name], Weight: p.Weight,
			Terminate: p.TerminateDelay.Seconds(), Fork: p.ForkDelay.Seconds(), FullCmd: p.FullCommand,
			ParamMatch: [...]string{"none", "exact", "partial", "initial"}[p.ParamMatch],
		}
		for n, word := range p.Params {
			if n > 0 {
				j.Parameters += " "
			}
			j.Parameters += "'" + word + "'"
		}
		if p.QuorumMax >= 0 {
			j.Max = &p.QuorumMax
		}
		if p.Reverse {
			j.Weight = -p.Weight
		}
		list = append(list, j)
	}
	return list
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// heardFrom remembers the priority of the master that is followed.
func (i *instance) heardFrom(priority uint8) {
	if i.election.state() == vrrp.Backup {
		i.masterPriority = int(priority)
	}
}
