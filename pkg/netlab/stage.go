package netlab

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A binary that uses netlab is its own helper program: started again with one of these
// stages in its environment, it takes that part before its main function runs.
const (
	stageNative = "native" // first process of fresh namespaces: set them up, then go on
	stageHost   = "host"   // becomes the guest kernel
	stageGuest  = "guest"  // first process of the guest: runs the command, powers off
)

func init() {
	stage := os.Getenv(envStage)
	if stage == "" {
		return
	}
	os.Unsetenv(envStage)
	var err error
	switch stage {
	case stageNative:
		if err = setUpNamespaces(); err == nil {
			return
		}
	case stageHost:
		err = becomeKernel(os.Getenv(envRun))
	case stageGuest:
		err = guestMain(os.Getenv(envRun))
		fmt.Println("netlab: guest:", err)
		unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	}
	fmt.Fprintf(os.Stderr, "netlab: %s: %v\n", stage, err)
	os.Exit(125)
}

// mount is one call of mount(2).
type mount struct {
	source, target, kind string
	flags                uintptr
	data                 string
}

func mountAll(mounts ...mount) error {
	for _, m := range mounts {
		if err := os.MkdirAll(m.target, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil {
			return fmt.Errorf("mount %s on %s: %w", m.kind, m.target, err)
		}
	}
	return nil
}

// setUpNamespaces gives fresh network, mount and process namespaces their own views.
func setUpNamespaces() error {
	err := mountAll(
		mount{"none", "/", "", unix.MS_REC | unix.MS_PRIVATE, ""},
		mount{"proc", "/proc", "proc", 0, ""},
		mount{"tmpfs", "/run", "tmpfs", 0, "mode=755"},
	)
	if err != nil {
		return err
	}
	return loopbackUp()
}

func loopbackUp() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
}

// noAVX512 keeps Go programs and the C library in the guest from using AVX-512: those
// registers do not survive a signal there, as the guest's signal frames have no room
// for them.
var noAVX512 = []string{
	"GODEBUG=cpu.avx512f=off,cpu.avx512vl=off,cpu.avx512bw=off,cpu.avx512cd=off,cpu.avx512dq=off",
	"GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512CD,-AVX512DQ",
}

// becomeKernel runs on the machine, as first process of a process namespace, and
// replaces itself with the guest kernel. It returns only on failure.
func becomeKernel(run string) error {
	mem := filepath.Join(run, "mem")
	err := mountAll(
		mount{"none", "/", "", unix.MS_REC | unix.MS_PRIVATE, ""},
		mount{"proc", "/proc", "proc", 0, ""},
		mount{"mem", mem, "tmpfs", 0, "mode=700,size=110%"},
	)
	if err != nil {
		return err
	}
	var cpu int
	var set unix.CPUSet
	if _, err := fmt.Sscan(os.Getenv("UML_CPU"), &cpu); err != nil {
		return err
	}
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("pin the guest to CPU %d: %w", cpu, err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	kernel := os.Getenv("UML_KERNEL")
	return syscall.Exec(kernel, []string{
		kernel, "mem=" + guestMemory, "uml_dir=" + mem, "umid=guest",
		"rootfstype=hostfs", "rootflags=/", "ro", "init=" + self,
		"con=null", "con0=null,fd:1", "ssl=null", "ssl0=null,fd:3", "ssl1=null,fd:4",
		"loglevel=6", "random.trust_cpu=on", "panic=-1", "oops=panic",
		// What the kernel does not know becomes the environment of init.
		envStage + "=" + stageGuest, envRun + "=" + run, noAVX512[0],
	}, []string{"TMPDIR=" + mem, "HOME=" + mem, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LD_PRELOAD=" + filepath.Join(run, "shim.so")})
}

// guestModules are loaded before the command runs: nothing loads them on demand.
var guestModules = strings.Fields(`ipv6 ip_vs ip_vs_rr ip_vs_wrr ip_vs_lc ip_vs_wlc ip_vs_fo ip_vs_ovf
	ip_vs_lblc ip_vs_lblcr ip_vs_dh ip_vs_sh ip_vs_mh ip_vs_sed ip_vs_nq ip_vs_pe_sip
	veth bridge macvlan ipvlan dummy tun ipip sit ip6_tunnel ip_gre ip6_gre fou 8021q vrf
	nlmon sch_netem nf_conntrack nf_conntrack_netlink nf_nat nf_tables nft_ct nft_nat nft_masq nft_reject
	ip_tables iptable_filter iptable_nat iptable_mangle ip6_tables ip6table_filter ip6table_nat ip6table_mangle
	xt_conntrack xt_nat xt_mark xt_comment xt_tcpudp sctp`)

// guestMain is the first process of the guest. It returns only on failure.
func guestMain(run string) error {
	if err := changeRoot(run); err != nil {
		return err
	}
	os.Setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	// A kernel lacks some of them; the test that needs one will say so.
	exec.Command("modprobe", append([]string{"-a", "-q"}, guestModules...)...).Run()
	if err := loopbackUp(); err != nil {
		return err
	}
	status, err := openLine("/dev/ttyS1")
	if err != nil {
		return err
	}
	fmt.Fprintln(status, "up")
	code, err := runCommand("/run/guest/command.json")
	if err != nil {
		return err
	}
	fmt.Fprintf(status, "exit %d\n", code)
	drain(status)
	return unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

// changeRoot builds the guest's root: the machine's files under a layer in memory, the
// kernel's file systems, and the run directory under /run/guest.
func changeRoot(run string) error {
	if err := mountAll(mount{"proc", "/proc", "proc", 0, ""}); err != nil {
		return err
	}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return err
	}
	release := unix.ByteSliceToString(uts.Release[:])
	modules := "/usr/lib/uml/modules/" + release
	if err := insertModule(modules + "/kernel/fs/overlayfs/overlay.ko"); err != nil {
		return err
	}
	const base, root = "/mnt", "/mnt/root"
	if err := mountAll(mount{"tmpfs", base, "tmpfs", 0, "size=75%,mode=755"}); err != nil {
		return err
	}
	for _, dir := range []string{"upper", "work"} {
		if err := os.Mkdir(filepath.Join(base, dir), 0o755); err != nil {
			return err
		}
	}
	err := mountAll(
		mount{"overlay", root, "overlay", 0, "lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work"},
		mount{"dev", root + "/dev", "devtmpfs", 0, ""},
		mount{"devpts", root + "/dev/pts", "devpts", 0, "mode=620,ptmxmode=666"},
		mount{"shm", root + "/dev/shm", "tmpfs", 0, ""},
		mount{"sysfs", root + "/sys", "sysfs", 0, ""},
		mount{"run", root + "/run", "tmpfs", 0, "mode=755"},
		mount{"none", root + "/run/guest", "hostfs", 0, run},
		mount{"/proc", root + "/proc", "", unix.MS_MOVE, ""},
	)
	if err != nil {
		return err
	}
	for _, dir := range []string{"/run/lock", "/run/netns", "/lib/modules", "/.machine"} {
		if err := os.MkdirAll(root+dir, 0o755); err != nil {
			return err
		}
	}
	if err := os.Symlink(modules, root+"/lib/modules/"+release); err != nil && !os.IsExist(err) {
		return err
	}
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", ".machine"); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return err
	}
	for i, name := range []string{"stdin", "stdout", "stderr"} {
		os.Symlink(fmt.Sprintf("/proc/self/fd/%d", i), "/dev/"+name)
	}
	os.Symlink("/proc/self/fd", "/dev/fd")
	mountAll(mount{"cgroup2", "/sys/fs/cgroup", "cgroup2", 0, ""}) // few need it
	return unix.Unmount("/.machine", unix.MNT_DETACH)
}

func insertModule(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && err != unix.EEXIST {
		return fmt.Errorf("load %s: %w", path, err)
	}
	return nil
}

// runCommand runs the command described in the file to its end, passes its output on, and
// returns its exit status. As the first process it inherits and buries all orphans.
func runCommand(spec string) (int, error) {
	var c command
	data, err := os.ReadFile(spec)
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		return 0, err
	}
	line, err := openLine("/dev/ttyS0")
	if err != nil {
		return 0, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	raiseFileLimit()
	p, err := os.StartProcess(c.Path, append([]string{c.Path}, c.Args...), &os.ProcAttr{
		Dir:   c.Dir,
		Env:   append(withGODEBUG(c.Env), envInside+"=guest", noAVX512[1]),
		Files: []*os.File{null, w, w},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 0, err
	}
	w.Close()
	copied := make(chan struct{})
	go func() {
		io.Copy(line, r)
		close(copied)
	}()
	var ws unix.WaitStatus
	for pid := 0; pid != p.Pid; {
		if pid, err = unix.Wait4(-1, &ws, 0, nil); err != nil && err != unix.EINTR {
			return 0, err
		}
	}
	// A daemon left behind may hold the pipe: do not wait for it.
	select {
	case <-copied:
	case <-time.After(time.Second):
	}
	drain(line)
	if ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return ws.ExitStatus(), nil
}

// withGODEBUG adds the lab's GODEBUG settings to those in env.
func withGODEBUG(env []string) []string {
	out := []string{noAVX512[0]}
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "GODEBUG="); ok {
			out[0] += "," + v
			continue
		}
		out = append(out, kv)
	}
	return out
}

func raiseFileLimit() {
	const most = 1 << 20
	os.WriteFile("/proc/sys/fs/nr_open", fmt.Append(nil, most), 0)
	unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 20000, Max: most})
}

// openLine opens a serial line of the guest and lets bytes pass unchanged.
func openLine(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	tio, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return nil, err
	}
	tio.Oflag &^= unix.OPOST
	tio.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
	return f, unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, tio)
}

// drain waits until everything written to the line has left the guest.
func drain(line *os.File) {
	unix.IoctlSetInt(int(line.Fd()), unix.TCSBRK, 1)
}
