"""prom - a strict reader of Prometheus' text format 0.0.4: anything that is not exactly in order is an error"""
import math
import re

NAME = r'[a-zA-Z_:][a-zA-Z0-9_:]*'
SAMPLE = re.compile(r'(%s)(?:\{(.*)\})? (\S+)$' % NAME)
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|$)')
NUMBER = re.compile(r'-?(\d+\.?\d*([eE][+-]?\d+)?|Inf)|NaN$')


class Bad(AssertionError):
    pass


def labels(text):
    out, at = {}, 0
    while at < len(text):
        m = LABEL.match(text, at)
        if not m or m.group(1) in out:
            raise Bad('labels: {%s}' % text)
        out[m.group(1)] = re.sub(r'\\(.)', lambda e: {'n': '\n'}.get(e.group(1), e.group(1)), m.group(2))
        at = m.end()
    return out


def family(name, kind):
    """The metric that a sample of this name would belong to, were it of that type."""
    return re.sub('_(bucket|sum|count)$', '', name) if kind == 'histogram' else name


def parse(text):
    """{metric: (type, help, {(sample name, ((label, value), ...)): number})}, checked."""
    out, current, pending = {}, None, None
    if not text.endswith('\n'):
        raise Bad('the last line is not ended')
    for line in text[:-1].split('\n'):
        if line.startswith('# HELP '):
            _, _, name, about = line.split(' ', 3)
            if name in out or not about.strip():
                raise Bad('HELP twice or empty: ' + line)
            pending = (name, about)
        elif line.startswith('# TYPE '):
            _, _, name, kind = line.split(' ')
            if not pending or pending[0] != name or kind not in ('counter', 'gauge', 'histogram'):
                raise Bad('TYPE without HELP: ' + line)
            out[name] = (kind, pending[1], {})
            current, pending = name, None
        else:
            m = SAMPLE.match(line)
            if not m or not NUMBER.match(m.group(3)) or current is None:
                raise Bad('no sample: %r' % line)
            kind, _, samples = out[current]
            if family(m.group(1), kind) != current:
                raise Bad('%s among the samples of %s' % (m.group(1), current))
            key = (m.group(1), tuple(sorted(labels(m.group(2) or '').items())))
            if key in samples:
                raise Bad('twice: ' + line)
            samples[key] = float(m.group(3))
    for name, (kind, _, samples) in out.items():
        check(name, kind, samples)
    return out


def check(name, kind, samples):
    if kind == 'counter' and not name.endswith('_total'):
        raise Bad('counter %s' % name)
    if kind != 'gauge' and any(v < 0 or math.isnan(v) for v in samples.values()):
        raise Bad('%s is negative' % name)
    if kind != 'histogram':
        return
    groups = {}
    for (sample, ls), value in samples.items():
        rest = tuple(l for l in ls if l[0] != 'le')
        groups.setdefault(rest, {})[sample[len(name):], dict(ls).get('le')] = value
    for rest, g in groups.items():
        buckets = [(float(le.replace('+Inf', 'inf')), v) for (s, le), v in g.items() if s == '_bucket']
        if buckets != sorted(buckets) or [v for _, v in buckets] != sorted(v for _, v in buckets):
            raise Bad('%s%s: buckets out of order' % (name, rest))
        if not buckets or buckets[-1] != (math.inf, g.get(('_count', None))) or ('_sum', None) not in g:
            raise Bad('%s%s: no +Inf, _count or _sum' % (name, rest))


def value(metrics, name, **want):
    """The one sample of that name whose labels include these."""
    for metric, (kind, _, samples) in metrics.items():
        if family(name, kind) != metric:
            continue
        found = [v for (n, ls), v in samples.items() if n == name and set(want.items()) <= set(ls)]
        if len(found) == 1:
            return found[0]
        raise AssertionError('%d samples of %s%s' % (len(found), name, want))
    raise AssertionError('there is no metric %s' % name)
