/* stamp FILE NAME: a service that does nothing but say when.
 *
 * Appends `start PID NANOSECONDS NAME VALUE` at its start and `stop …` at a signal to end; the clock
 * is CLOCK_MONOTONIC, VALUE is $VALUE or "-". */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void stamp(int file, const char *what, const char *name) {
    struct timespec now;
    char line[512];
    const char *value = getenv("VALUE");
    clock_gettime(CLOCK_MONOTONIC, &now);
    int length = snprintf(line, sizeof line, "%s %d %lld %s %s\n", what, (int)getpid(),
                          now.tv_sec * 1000000000LL + now.tv_nsec, name, value ? value : "-");
    if (write(file, line, length) != length) _exit(1);
}

int main(int count, char **words) {
    sigset_t ends;
    int number;
    if (count != 3) return 2;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    sigaddset(&ends, SIGUSR2);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    int file = open(words[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return 1;
    stamp(file, "start", words[2]);
    sigwait(&ends, &number);
    stamp(file, "stop", words[2]);
    return 0;
}
