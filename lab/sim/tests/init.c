/*
 * The only program of the test machines. It sends its peer a datagram a second
 * and echoes what the peer sends, counts its starts on the disk, and says on
 * the console what it sees.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static const char *const modules[] = {
	"/failover.ko", "/net_failover.ko", "/virtio_net.ko",
};
static char cmdline[4096];

static int number(const char *name)
{
	const char *at = strstr(cmdline, name);

	return at ? atoi(at + strlen(name)) : 0;
}

static struct sockaddr_in address(int host)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(7) };

	a.sin_addr.s_addr = htonl(0x0a000000 + host);
	return a;
}

static void card(int s)
{
	struct ifreq r = { .ifr_name = "eth0" };
	struct sockaddr_in a = address(number("number="));

	memcpy(&r.ifr_addr, &a, sizeof(a));
	if (ioctl(s, SIOCSIFADDR, &r))
		perror("SIOCSIFADDR");
	a.sin_addr.s_addr = htonl(0xffffff00);
	memcpy(&r.ifr_netmask, &a, sizeof(a));
	ioctl(s, SIOCSIFNETMASK, &r);
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	ioctl(s, SIOCSIFFLAGS, &r);
}

static void disk(void)
{
	int count = 0, fd = open("/dev/vda", O_RDWR);

	if (fd < 0)
		return;
	pread(fd, &count, sizeof(count), 512);
	count++;
	pwrite(fd, &count, sizeof(count), 512);
	fsync(fd);
	close(fd);
	printf("start %d\n", count);
}

int main(void)
{
	unsigned long long random = 0;
	struct timespec now, next;
	char text[256];
	unsigned i;
	int fd, port, s, sent = 0, peer, n;

	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	mount("proc", "/proc", "proc", 0, NULL);
	fd = open("/dev/ttyS0", O_RDWR);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	setvbuf(stdout, NULL, _IOLBF, 0);
	fd = open("/proc/cmdline", O_RDONLY);
	n = read(fd, cmdline, sizeof(cmdline) - 1);
	for (i = 0; i < sizeof(modules) / sizeof(*modules); i++) {
		fd = open(modules[i], O_RDONLY);
		if (fd >= 0)
			syscall(SYS_finit_module, fd, "", 0);
	}
	peer = number("peer=");
	s = socket(AF_INET, SOCK_DGRAM, 0);
	card(s);
	struct sockaddr_in any = address(0), to = address(peer), from;
	any.sin_addr.s_addr = INADDR_ANY;
	bind(s, (struct sockaddr *)&any, sizeof(any));
	disk();
	fd = open("/dev/urandom", O_RDONLY);
	read(fd, &random, sizeof(random));
	printf("random %016llx\n", random);
	fd = open("/dev/ttyS1", O_WRONLY);
	n = sprintf(text, "report of %d\n", number("number="));
	write(fd, text, n);
	port = open("/dev/hvc0", O_RDWR);
	printf("ready %ld\n", (long)time(NULL));
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;;) {
		struct pollfd p[] = { { s, POLLIN, 0 }, { port, POLLIN, 0 } };
		long wait;

		clock_gettime(CLOCK_MONOTONIC, &now);
		wait = (next.tv_sec - now.tv_sec) * 1000 + (next.tv_nsec - now.tv_nsec) / 1000000;
		if (wait <= 0) {
			next.tv_sec++;
			n = sprintf(text, "%d", ++sent);
			if (peer)
				sendto(s, text, n, 0, (struct sockaddr *)&to, sizeof(to));
			continue;
		}
		poll(p, 2, wait);
		if (p[0].revents) {
			socklen_t len = sizeof(from);

			n = recvfrom(s, text, sizeof(text) - 1, 0, (struct sockaddr *)&from, &len);
			if (n > 0 && peer) {
				text[n] = 0;
				printf("reply %s\n", text);
			} else if (n > 0) {
				sendto(s, text, n, 0, (struct sockaddr *)&from, len);
			}
		}
		if (p[1].revents) {
			n = read(port, text, sizeof(text) - 1);
			if (n <= 0)
				continue;
			text[n] = 0;
			printf("line %s", text);
			if (!strcmp(text, "poweroff\n"))
				reboot(RB_POWER_OFF);
			if (!strcmp(text, "reboot\n"))
				reboot(RB_AUTOBOOT);
			while (!strcmp(text, "spin\n"))
				;
		}
	}
}
