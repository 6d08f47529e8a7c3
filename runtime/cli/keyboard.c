#include "cli/keyboard.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

/* The other screen, without a cursor; and back. */
#define ENTER "\x1b[?1049h\x1b[?25l"
#define LEAVE "\x1b[?25h\x1b[?1049l"

void keyboard_open(struct keyboard *k)
{
    struct termios raw;

    k->is_open = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
                 tcgetattr(STDIN_FILENO, &k->before) == 0;
    if (!k->is_open)
        return;
    raw = k->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    fputs(ENTER, stdout);
    fflush(stdout);
}

void keyboard_close(struct keyboard *k)
{
    if (!k->is_open)
        return;
    fputs(LEAVE, stdout);
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSANOW, &k->before);
    k->is_open = false;
}

int keyboard_key(const struct keyboard *k)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    char key;

    if (!k->is_open || poll(&in, 1, 0) <= 0)
        return 0;
    return read(STDIN_FILENO, &key, 1) == 1 ? (unsigned char)key : 'q';
}
