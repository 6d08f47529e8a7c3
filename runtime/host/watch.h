/*
 * watch.h - which files of an app have changed, for `moonkeep dev`.
 *
 * By asking for each file's state, not by inotify: that also works on mounts
 * that send no events, and with editors that put a new file in place of the
 * old one.  Nothing is waited for here; the caller decides when to ask.
 */
#ifndef HOST_WATCH_H
#define HOST_WATCH_H

struct watch; /* opaque: watch.c */

/* Nothing watched yet. */
struct watch *watch_new(void);
void watch_free(struct watch *w); /* NULL is allowed */

/* Watch the file at `path`, which need not exist.  Copied.  Here and below:
 * what is watched already stays so, with the changes not yet told. */
void watch_file(struct watch *w, const char *path);
/* Watch every *.lua file below `folder`, those to come as well, but for
 * moonkeep.lua, which is no script; not in folders whose names begin with a
 * dot, nor in node_modules, and 8 folders deep and 4,096 files and folders at
 * most.  Copied. */
void watch_folder(struct watch *w, const char *folder);
/* Do not look into the folder at `path`, which need not exist; before
 * watch_folder.  Copied. */
void watch_skip(struct watch *w, const char *path);

/* The path of a watched file that was changed, made or removed since the last
 * call (the first one: since it was watched), NULL when there is none.
 * Borrowed until the next call.  Blocks on the disk. */
const char *watch_changed(struct watch *w);

#endif
