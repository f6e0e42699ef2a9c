/* The one service that every contender starts: it says when its life began, and stays.
 *
 *   service RING INDEX        writes its mark and pauses; SIGTERM ends it
 *   service RING INDEX exit   writes its mark and ends with 1, for crash loops
 *   service 'RING INDEX' …    the same as the first: as the interpreter of a script, which is the cheapest run file that
 *                             there can be, it gets its arguments as one, and the script's name after them
 *
 * RING is a file of a 64-byte head, whose first 8 bytes count the marks, and of 65,536 marks of 16 bytes: time in ns of
 * CLOCK_MONOTONIC, index, pid; as the machine orders bytes. The time is stored last: a mark with a time is complete.
 *
 * Without libc, whose start-up (it asks the processor about its caches, which is slow in a virtual machine) would be
 * measured with every life: cc -O2 -static -nostdlib -fno-stack-protector. The time is the first thing that it takes. */
#include <asm/unistd.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>

#define HEAD 64
#define MARKS 65536

struct mark {
	uint64_t time_ns;
	uint32_t index;
	uint32_t pid;
};

#if defined(__x86_64__)
static long call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");
#elif defined(__aarch64__)
static long call(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
}
__asm__(".globl _start\n_start: mov x0, sp\n bl begin\n");
#else
#error "say how this processor makes a system call"
#endif

static long life(long argc, char **argv)
{
	struct timespec now;
	call(__NR_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0, 0, 0, 0);
	if (argc < 2)
		return 64;
	const char *digit = argc > 2 ? argv[2] : "";
	int ends = argc > 3;
	for (char *byte = argv[1]; *byte; byte++)
		if (*byte == ' ') {
			*byte = 0;
			digit = byte + 1;
			ends = 0;
		}
	if (*digit < '0' || *digit > '9')
		return 64;
	long fd = call(__NR_openat, AT_FDCWD, (long)argv[1], O_RDWR | O_CLOEXEC, 0, 0, 0);
	if (fd < 0)
		return 66;
	long size = HEAD + MARKS * sizeof(struct mark);
	long ring = call(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	call(__NR_close, fd, 0, 0, 0, 0, 0);
	if (ring < 0 && ring > -4096)
		return 71;
	uint32_t index = 0;
	for (; *digit >= '0' && *digit <= '9'; digit++)
		index = index * 10 + (uint32_t)(*digit - '0');
	uint64_t place = __atomic_fetch_add((uint64_t *)ring, 1, __ATOMIC_SEQ_CST) % MARKS;
	struct mark *mark = (struct mark *)(ring + HEAD) + place;
	mark->index = index;
	mark->pid = (uint32_t)call(__NR_getpid, 0, 0, 0, 0, 0, 0);
	uint64_t time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	__atomic_store_n(&mark->time_ns, time_ns, __ATOMIC_SEQ_CST);
	call(__NR_munmap, ring, size, 0, 0, 0, 0);
	if (ends)
		return 1;
	/* Waits for a signal: ppoll without descriptors and without an end. */
	for (;;)
		call(__NR_ppoll, 0, 0, 0, 0, 0, 0);
}

void begin(long *stack)
{
	call(__NR_exit_group, life(stack[0], (char **)(stack + 1)), 0, 0, 0, 0, 0);
}
