/* template - see template.h */
#include "base/template.h"

#include <string.h>

/* The brace that closes the name at p, or NULL when none begins there. */
static const char *
find_close(const struct template *t, const char *p)
{
	return *p != '\0' && strchr(t->marks, *p) != NULL && p[1] == '{' ? strchr(p, '}') : NULL;
}

static const char *
value_of(const struct template *t, const char *name, size_t len)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct template_word *w = &t->words[i];

		if (strlen(w->name) == len && memcmp(w->name, name, len) == 0)
			return w->value != NULL ? w->value : "";
	}
	return "";
}

bool
template_next(struct template *t, struct template_piece *out)
{
	const char *p = t->at, *close = find_close(t, p);

	if (*p == '\0')
		return false;
	out->is_value = close != NULL;
	if (close != NULL) {
		out->text = value_of(t, p + 2, (size_t)(close - p - 2));
		out->len = strlen(out->text);
		t->at = close + 1;
		return true;
	}
	do
		p++;
	while (*p != '\0' && find_close(t, p) == NULL);
	out->text = t->at;
	out->len = (size_t)(p - t->at);
	t->at = p;
	return true;
}
