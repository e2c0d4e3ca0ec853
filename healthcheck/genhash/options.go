package genhash

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-lb/holdfast/healthcheck"
)

const usage = `Usage: genhash COMMAND [OPTIONS]
Commands:
   -s server-address -p port -u url
   -S -s server-address -p port -u url
   -h

Options, long or short:
   --use-ssl         -S       Use TLS to the server
   --use-sni         -I       Send the virtual host (-V) in the TLS handshake
   --server          -s       Address of the server
   --port            -p       Port of the server
   --url             -u       Path to ask for
   --use-virtualhost -V       Virtual host to ask for
   --verbose         -v       Show the whole answer
   --help            -h       Show this help
   --fwmark          -m       Firewall mark of the connection
   --protocol        -P       HTTP version: 1.0, 1.0c or 1.1
                                1.0c means 1.0 with 'Connection: close'
   --timeout         -t       Limit in seconds
`

// options are what the command line asks for.
type options struct {
	ssl, sni, verbose bool
	server            netip.Addr
	port              uint16
	target            netip.AddrPort
	url, host         string
	fwmark            uint32
	protocol          healthcheck.HTTPProtocol
	timeout           time.Duration
}

var (
	errHelp  = errors.New("help")
	errUsage = errors.New("") // the usage says it all
)

// letters gives the short form of each long option; those in lettersWithValue
// take one.
var letters = [...]struct {
	long  string
	short byte
}{
	{"use-ssl", 'S'},
	{"use-sni", 'I'},
	{"server", 's'},
	{"port", 'p'},
	{"url", 'u'},
	{"use-virtualhost", 'V'},
	{"verbose", 'v'},
	{"help", 'h'},
	{"fwmark", 'm'},
	{"protocol", 'P'},
	{"timeout", 't'},
}

const lettersWithValue = "spuVmPt"

func parse(args []string) (*options, error) {
	o := &options{timeout: 5 * time.Second}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		short, glued, hasValue, err := split(arg)
		if err != nil {
			return nil, err
		}
		for { // letters without a value may be written together
			if strings.IndexByte(lettersWithValue, short) >= 0 {
				if !hasValue && glued == "" {
					if len(args) == 0 {
						return nil, fmt.Errorf("option '%s' requires an argument", arg)
					}
					glued, args = args[0], args[1:]
				}
				if err := o.set(short, glued); err != nil {
					return nil, err
				}
				break
			}
			if err := o.set(short, ""); err != nil {
				return nil, err
			}
			if hasValue || glued == "" {
				break
			}
			short, glued = glued[0], glued[1:]
		}
	}
	if !o.server.IsValid() || o.port == 0 || o.url == "" {
		return nil, errUsage
	}
	o.target = netip.AddrPortFrom(o.server, o.port)
	return o, nil
}

// split takes an option apart: its letter and what is glued to it. Long
// options may be shortened as far as they stay unambiguous.
func split(arg string) (short byte, glued string, hasValue bool, err error) {
	if long, ok := strings.CutPrefix(arg, "--"); ok {
		long, glued, hasValue = strings.Cut(long, "=")
		for _, l := range letters {
			if l.long == long {
				return l.short, glued, hasValue, nil
			}
			if long != "" && strings.HasPrefix(l.long, long) {
				if short != 0 {
					return 0, "", false, fmt.Errorf("option '%s' is ambiguous", arg)
				}
				short = l.short
			}
		}
		if short == 0 {
			return 0, "", false, fmt.Errorf("unrecognized option '%s'", arg)
		}
		return short, glued, hasValue, nil
	}
	if len(arg) < 2 || arg[0] != '-' {
		return 0, "", false, errUsage
	}
	return arg[1], arg[2:], false, nil
}

func (o *options) set(letter byte, value string) error {
	switch letter {
	case 'S':
		o.ssl = true
	case 'I':
		o.sni = true
	case 'v':
		o.verbose = true
	case 'h':
		return errHelp
	case 'u':
		o.url = value
	case 'V':
		o.host = value
	case 's':
		addr, err := netip.ParseAddr(value)
		if err != nil {
			return fmt.Errorf("server should be an IP, not %s", value)
		}
		o.server = addr
	case 'p':
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("invalid port number '%s'", value)
		}
		o.port = uint16(n)
	case 'm':
		n, err := strconv.ParseUint(value, 0, 32)
		if err != nil {
			return fmt.Errorf("invalid fwmark '%s'", value)
		}
		o.fwmark = uint32(n)
	case 't':
		n, err := strconv.ParseFloat(value, 64)
		if err != nil || n <= 0 || n > 86400 {
			return fmt.Errorf("invalid timeout '%s'", value)
		}
		o.timeout = time.Duration(n * float64(time.Second))
	case 'P':
		return o.setProtocol(value)
	default:
		return fmt.Errorf("invalid option -- '%c'", letter)
	}
	return nil
}

func (o *options) setProtocol(value string) error {
	switch strings.ToLower(value) {
	case "1.0":
		o.protocol = healthcheck.HTTP10
	case "1.0c":
		o.protocol = healthcheck.HTTP10Close
	case "1.1":
		o.protocol = healthcheck.HTTP11
	default:
		return fmt.Errorf("invalid HTTP protocol version '%s'", value)
	}
	return nil
}
