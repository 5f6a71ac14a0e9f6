/* server.h: answers new images.
 *
 * Promise: a program that starts waits for its answer microseconds, whatever the
 * collector is at; nobody but this user can connect; a client that says nothing or
 * nonsense is hung up on.
 * Vocabulary: hello, welcome, image as in core/shm.h. One thread of its own, which
 * makes, locks and destroys all images.
 */
#ifndef MM_COLLECT_SERVER_H
#define MM_COLLECT_SERVER_H

#include <sys/types.h>

#include "base/diag.h"
#include "collect/bell.h"
#include "collect/image.h"

struct mm_server;

/* Makes the socket in a folder of its own; nobody is answered before start. */
int mm_server_create(struct mm_server **ret, const struct mm_image_options *options,
		     struct mm_bell *bell, struct mm_diag *diag);

/* Path of the socket and its folder; live as long as the server. */
const char *mm_server_path(const struct mm_server *s);
const char *mm_server_folder(const struct mm_server *s);

/* Starts to answer: everybody, or only the process that comes first, exec or not. */
int mm_server_start(struct mm_server *s, int only_first, struct mm_diag *diag);

/* The next image that has been welcomed, in order; NULL = none. Rung for. */
struct mm_image *mm_server_next(struct mm_server *s);

/* The image is no longer needed; returns at once. */
void mm_server_retire(struct mm_server *s, struct mm_image *image);

/* Hangs up, destroys retired images and those never fetched, removes the folder. Images
 * still in use must have been retired. NULL is fine. */
void mm_server_destroy(struct mm_server *s);

#endif
