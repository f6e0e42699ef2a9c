/* The one service that every contender starts: it says when its life began, and stays.
 *
 *   service RING INDEX        writes its mark and pauses; SIGTERM ends it
 *   service RING INDEX exit   writes its mark and ends with 1, for crash loops
 *
 * RING is a file of a 64-byte head, whose first 8 bytes count the marks, and of 65,536 marks of 16 bytes: time in ns of
 * CLOCK_MONOTONIC, index, pid; as the machine orders bytes. The time is stored last: a mark with a time is complete.
 * Static, so that no dynamic linker is measured; the time is the first thing that main takes. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define HEAD 64
#define MARKS 65536

struct mark {
	uint64_t time_ns;
	uint32_t index;
	uint32_t pid;
};

int main(int argc, char **argv)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (argc < 3)
		return 64;
	int fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return 66;
	size_t size = HEAD + MARKS * sizeof(struct mark);
	void *ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (ring == MAP_FAILED)
		return 71;
	uint64_t place = __atomic_fetch_add((uint64_t *)ring, 1, __ATOMIC_SEQ_CST) % MARKS;
	struct mark *mark = (struct mark *)((char *)ring + HEAD) + place;
	mark->index = (uint32_t)strtoul(argv[2], NULL, 10);
	mark->pid = (uint32_t)getpid();
	uint64_t time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	__atomic_store_n(&mark->time_ns, time_ns, __ATOMIC_SEQ_CST);
	munmap(ring, size);
	if (argc > 3)
		return 1;
	for (;;)
		pause();
}
