/*
 * keyboard.h - single keys from a terminal, without waiting for them, and the
 * terminal's other screen to draw on.
 */
#ifndef CLI_KEYBOARD_H
#define CLI_KEYBOARD_H

#include <stdbool.h>
#include <termios.h>

struct keyboard {
    bool is_open; /* it is a terminal */
    struct termios before;
};

/* Take the terminal, if standard input and output are one; signals are blocked
 * by the caller, so that it is always given back. */
void keyboard_open(struct keyboard *k);
void keyboard_close(struct keyboard *k);
/* The next key that was pressed, or 0. */
int keyboard_key(const struct keyboard *k);

#endif
