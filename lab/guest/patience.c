/* Time for programs that never wait.
 *
 * What computes takes no virtual time. A program that looks again and again for
 * what another will have done (dhcpcd's front reads a closed pipe until its
 * background process reports) would look for ever: neither a tick nor the other's
 * timer ever comes. So whoever goes in and out of the kernel very often, while
 * nobody else runs, is charged a little, and more the longer it goes on. By count,
 * so that the same happens in each run.
 *
 * The kernel lets a process run by futex(2) through libc (wait_stub_done_seccomp,
 * arch/um/os-Linux/skas/process.c); this takes the place of libc's syscall(2).
 * NDELAY is the address of the kernel's time_travel_ndelay
 * (arch/um/kernel/time.c), by which its own drivers let time pass. */
#include <errno.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/syscall.h>

enum { TURNS = 2000, LEAST_NS = 1000, MOST_NS = 1000000 };

static long raw(long number, const long *a)
{
    register long r10 __asm__("r10") = a[3];
    register long r8 __asm__("r8") = a[4];
    register long r9 __asm__("r9") = a[5];
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static void charge(long process)
{
    static long last;
    static unsigned turns;
    static unsigned long price = LEAST_NS;

    if (process != last) {
        last = process;
        turns = 0;
        price = LEAST_NS;
    }
    if (++turns < TURNS)
        return;
    turns = 0;
    ((void (*)(unsigned long))NDELAY)(price);
    if (price < MOST_NS)
        price *= 2;
}

long syscall(long number, ...)
{
    va_list list;
    long a[6];
    long result;

    va_start(list, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_futex && (int)a[1] == FUTEX_WAKE)
        charge(a[0]);
    result = raw(number, a);
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return -1;
    }
    return result;
}
