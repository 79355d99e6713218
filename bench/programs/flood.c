/* flood GATE NAME LINES: as many lines as fast as it can, in the blocks that stdio would write.
 *
 * Begins when somebody has opened the FIFO GATE for writing. A line is `NAME NUMBER xxx…`. Stays
 * alive afterwards, so that nobody is busy with its end. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char block[65536];

int main(int count, char **words) {
    if (count != 4) return 2;
    if (open(words[1], O_RDONLY) < 0) return 1;
    setvbuf(stdout, block, _IOFBF, sizeof block);
    long lines = atol(words[3]);
    for (long number = 1; number <= lines; number++)
        printf("%s %08ld xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", words[2], number);
    if (fflush(stdout)) return 1;
    pause();
    return 0;
}
