/*
 * Replaces getrandom(2) in a User-mode Linux process: arch/um takes all its
 * kernel's randomness from there (os_getrandom), so a seed makes it repeatable.
 * splitmix64, seeded by MACHINESIM_SEED. Not for secrets.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

static uint64_t state;
static int seeded;

static uint64_t next(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

ssize_t getrandom(void *buffer, size_t length, unsigned int flags)
{
	unsigned char *bytes = buffer;
	size_t at;
	uint64_t value = 0;

	(void)flags;
	if (!seeded) {
		const char *seed = getenv("MACHINESIM_SEED");

		state = seed ? strtoull(seed, NULL, 16) : 0;
		seeded = 1;
	}
	for (at = 0; at < length; at++) {
		if (at % 8 == 0)
			value = next();
		bytes[at] = value >> (8 * (at % 8));
	}
	return length;
}
