/*
 * content - one object in the form that an engine wants: bytes, a descriptor, or a file with a name
 *
 * The whole message is offered with the synthetic Received: field in front, as the embedded engine sees it: file typing
 * is then certain. Descriptor and file are made when they are asked for, and go with the content.
 */
#ifndef AVM_ENGINE_CONTENT_H
#define AVM_ENGINE_CONTENT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "message/object.h"

struct content {
	const struct objects	*set;
	const struct object	*object;
	uint64_t		 size;
	int			 fd;	/* our own copy, or -1 */
	char			*path;	/* file that content_path() made, or NULL */
};

void	 content_init(struct content *c, const struct objects *set, const struct object *o);
/* Close and unlink what was made. For AUTO(). */
void	 content_clear(struct content *c);

/* Read exactly len bytes. */
bool	 content_read(const struct content *c, uint64_t at, void *buf, size_t len, GError **err);
/* A descriptor of exactly this object, sealed where it is a copy; borrowed. -1 and *err. */
int	 content_fd(struct content *c, GError **err);

struct content_place {
	const char *directory;
	const char *group;	/* "" = our own */
	mode_t	 mode;
};
/* The absolute name of a file with exactly these bytes, until content_clear(). NULL and *err. */
const char *content_path(struct content *c, const struct content_place *place, GError **err);

/* A local name as the server sees it, by a list of "LOCAL=REMOTE" prefixes (the first that fits). The caller frees. */
char	*content_remote_path(const char *path, char *const *map);

#endif
