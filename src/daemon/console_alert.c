/* console_alert - see console_alert.h */
#include "daemon/console_alert.h"

#include <string.h>

#include "daemon/jsonx.h"

json_t *
console_alert(struct alerts *a, char *const *words, const atomic_int_fast64_t *cut, GError **err)
{
	g_autofree char *relay = NULL;

	if (words[0] == NULL || strcmp(words[0], "test") != 0) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "alert: write alert test");
		return NULL;
	}
	relay = alerts_test(a, cut, err);
	return relay != NULL ? json_pack("{s:s}", "sent_by", relay) : NULL;
}

json_t *
console_alert_stats(struct alerts *a)
{
	struct alerts_stats st;
	json_t *o = json_object();

	alerts_stats(a, &st);
	put_number(o, "sent", st.sent);
	put_number(o, "failed", st.failed);
	put_number(o, "dropped", st.dropped);
	put_number(o, "deferred", st.deferred);
	put_number(o, "suppressed", st.suppressed);
	put_number(o, "queued", st.queued);
	return o;
}
