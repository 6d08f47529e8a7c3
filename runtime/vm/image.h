/*
 * image.h - a state as it is before its first event, of which any number of
 * copies are made: for less than a fifth of what it takes to open the libraries
 * and to load the script once more.
 *
 * Two models are made in the same way at different addresses.  Where their
 * memory differs, it differs by the distance of the two, and there is a pointer
 * into it; a copy is the bytes of one with these pointers moved.  If they
 * differ in any other place (a table has a table as its key, a random number,
 * an address as text), or if a model looked outside (vm_outside), there is no
 * image, and states are made one by one.
 *
 * Never changed once made: any thread may copy it.
 */
#ifndef VM_IMAGE_H
#define VM_IMAGE_H

#include "base/err.h"
#include "vm/vm.h"

struct image; /* opaque: image.c */

/*
 * Make an image of states with what `fill(L)` makes of a new one; it is run
 * twice, protected, in the main coroutine, with `arg` as light userdata at
 * index 1, and must do the same both times.  `config` has no owner.  What fill
 * leaves in userdata must be the same in every copy: no memory, no references.
 *
 * Returns 0, the image to be freed with image_free; ERR_INVALID when there can
 * be none, ERR_RESET when the models looked outside, or what vm_new and
 * vm_protect give.
 */
int image_new(const struct vm_config *config, int (*fill)(struct lua_State *L),
              void *arg, struct image **out);
/* NULL is allowed; the copies stay. */
void image_free(struct image *image);

/* vm_new and fill in one: a copy with `config` of its own, to be freed with
 * vm_free.  ERR_NOMEM when memory_bytes is too little for it. */
int image_copy(const struct image *image, const struct vm_config *config,
               struct vm **out);

#endif
