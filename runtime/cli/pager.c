#include "cli/pager.h"

#include <errno.h>
#include <signal.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct terminal terminal_size(void)
{
    struct winsize size = {0};

    if (!isatty(STDOUT_FILENO))
        return (struct terminal){0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 ||
        size.ws_row == 0)
        return (struct terminal){80, 24};
    return (struct terminal){size.ws_col, size.ws_row};
}

void pager_init(struct pager *p, enum pager_use use)
{
    *p = (struct pager){.to = stdout};
    if (use == PAGER_IF_LONG)
        p->rows = terminal_size().rows;
}

static void become_pager(int in)
{
    const char *command = getenv("PAGER");

    if (command == NULL || *command == '\0')
        command = "less -FRX";
    dup2(in, STDIN_FILENO);
    signal(SIGPIPE, SIG_DFL);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

/* Without a pager the list goes to the terminal as it is. */
static void start(struct pager *p)
{
    int ends[2];

    fflush(stdout);
    if (pipe(ends) != 0)
        return;
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        become_pager(ends[0]);
    }
    close(ends[0]);
    FILE *to = pid < 0 ? NULL : fdopen(ends[1], "w");
    if (to == NULL) {
        close(ends[1]);
        return;
    }
    signal(SIGINT, SIG_IGN); /* the pager's business */
    p->to = to;
    p->pid = pid;
}

static void let_go(struct pager *p)
{
    if (p->held.n != 0)
        fwrite(p->held.p, 1, p->held.n, p->to);
    p->held.n = 0;
    p->rows = 0;
}

/* After something was written. */
static void note_end(struct pager *p)
{
    p->is_left |= ferror(p->to) && errno == EPIPE;
}

int pager_line(struct pager *p, struct slice line)
{
    if (p->rows != 0) {
        buf_add_slice(&p->held, line);
        buf_add_byte(&p->held, '\n');
        if (++p->lines < p->rows)
            return 0;
        start(p);
        let_go(p);
    } else {
        if (line.n != 0)
            fwrite(line.p, 1, line.n, p->to);
        fputc('\n', p->to);
    }
    note_end(p);
    return p->is_left || ferror(p->to);
}

void pager_flush(struct pager *p)
{
    if (p->rows == 0)
        fflush(p->to);
}

void pager_close(struct pager *p)
{
    if (p->rows != 0)
        let_go(p);
    buf_fini(&p->held);
    fflush(p->to);
    note_end(p);
    if (p->is_left) {
        __fpurge(p->to);
        clearerr(p->to);
    }
    if (p->pid == 0)
        return;
    fclose(p->to);
    waitpid(p->pid, NULL, 0);
    signal(SIGINT, SIG_DFL);
    p->to = stdout;
    p->pid = 0;
}
