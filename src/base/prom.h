/*
 * prom - text in the exposition format of Prometheus, version 0.0.4
 *
 * https://prometheus.io/docs/instrumenting/exposition_formats/:
 *
 *	# HELP avmilter_messages_total Messages that were answered.
 *	# TYPE avmilter_messages_total counter
 *	avmilter_messages_total{class="clean",action="pass"} 12
 *
 * Values of labels may be any bytes: what is no UTF-8 becomes U+FFFD, backslash, double quote and line feed are escaped.
 */
#ifndef AVM_BASE_PROM_H
#define AVM_BASE_PROM_H

#include <glib.h>

#include "base/histogram.h"

/* Begin a metric; type is "counter", "gauge" or "histogram". All samples of it follow at once. */
void	 prom_head(GString *out, const char *name, const char *type, const char *help);

/* One sample. Behind value stand pairs of label and value, NULL at the end. */
void	 prom_sample(GString *out, const char *name, double value, ...) G_GNUC_NULL_TERMINATED;

/* The samples of a histogram, with one label or (label NULL) without. */
void	 prom_histogram(GString *out, const char *name, const struct histogram *h, const char *label, const char *value);

#endif
