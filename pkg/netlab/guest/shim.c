/*
 * Preloaded into the user-mode-Linux kernel, which keeps the extended registers of a
 * guest process in a buffer of fixed size. On a processor with more of them (AMX tiles)
 * the host refuses PTRACE_SETREGSET from a buffer that short, and the guest panics at
 * its first process. So all transfers are made with a buffer of full size here.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#define GETREGSET 0x4204
#define SETREGSET 0x4205
#define X86_XSTATE 0x202
#define XSTATE_BV 512        /* offset of the bitmap of states that are present */
#define FITTING_STATES 0x2ff /* x87, SSE, AVX, MPX, AVX-512, protection keys */

typedef long (*ptrace_fn)(int, ...);

static unsigned char full[1 << 16] __attribute__((aligned(64)));

long ptrace(int request, ...)
{
	static ptrace_fn host;
	if (!host)
		host = (ptrace_fn)dlsym(RTLD_NEXT, "ptrace");

	va_list args;
	va_start(args, request);
	long pid = va_arg(args, long);
	void *addr = va_arg(args, void *);
	void *data = va_arg(args, void *);
	va_end(args);

	int get = request == GETREGSET, set = request == SETREGSET;
	if ((!get && !set) || (long)addr != X86_XSTATE)
		return host(request, pid, addr, data);

	static size_t size; /* of the host's state, known after the first read */
	struct iovec *guest = data;
	struct iovec all = { full, sizeof full };
	if (get || !size) {
		long r = host(GETREGSET, pid, addr, &all);
		if (r < 0)
			return r;
		size = all.iov_len;
	}
	if (get) {
		if (guest->iov_len > size)
			guest->iov_len = size;
		memcpy(guest->iov_base, full, guest->iov_len);
		return 0;
	}
	if (guest->iov_len >= size)
		return host(request, pid, addr, data);
	memset(full + guest->iov_len, 0, size - guest->iov_len);
	memcpy(full, guest->iov_base, guest->iov_len);
	uint64_t present;
	memcpy(&present, full + XSTATE_BV, sizeof present);
	present &= FITTING_STATES;
	memcpy(full + XSTATE_BV, &present, sizeof present);
	all.iov_len = size;
	return host(SETREGSET, pid, addr, &all);
}
