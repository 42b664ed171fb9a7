/*
 * template - a text with %{names} in it, read piece by piece
 *
 * What a value must lose before it may stand in the text is known to the caller alone: he gets literal text and values apart.
 */
#ifndef AVM_BASE_TEMPLATE_H
#define AVM_BASE_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

struct template_word {
	const char	*name, *value;	/* a value of NULL is "" */
};

struct template {
	const char	*at;		/* what remains of the text */
	const char	*marks;		/* each of these begins a name: "%" for %{name}, "%$" for ${name} as well */
	const struct template_word *words;
	size_t		 count;
};

struct template_piece {
	const char	*text;
	size_t		 len;
	bool		 is_value;	/* else a piece of the template itself */
};

/*
 * The next piece; a name that is not among the words has the value "", and one without its brace is text.
 *
 * Owns:    nothing: pieces point into the template and the words
 * Returns: false at the end
 */
bool	 template_next(struct template *t, struct template_piece *out);

#endif
