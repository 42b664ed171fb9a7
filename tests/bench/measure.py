"""measure - one run of one filter, rounds of several, claims"""
import statistics
import threading
import time

from lib.load import Load

PATIENCE_S = 900
SAMPLE_S = 0.5


class Run:
    """What one run of mload against one filter came to."""

    def __init__(self, subject, args, name='run'):
        sampler = Sampler(subject)
        before, start = subject.cpu(), time.monotonic()
        load = Load(subject.address, '-e', *args, name=name)
        load.finish(PATIENCE_S)
        self.seconds = time.monotonic() - start
        self.cpu_ms = 1000 * (subject.cpu() - before) / max(1, load.total['answered'])
        self.peak_mb = sampler.stop()
        t = load.total
        self.total, self.messages = t, load.messages
        self.rate, self.p50, self.p99, self.worst = t['rate'], t['p50_ms'], t['p99_ms'], t['max_ms']
        self.failed = t['answers'].get('451', 0) + t['lost'] + t['refused']
        self.caught = {m.number for m in load.messages if m.infected and m.answer not in ('250', 'lost', 'refused', '451')}
        self.wrong = t['wrong']


class Sampler:
    """The most memory that a filter had while it ran."""

    def __init__(self, subject):
        self.subject = subject
        self.most = 0.0
        self.end = threading.Event()
        self.thread = threading.Thread(target=self.loop)
        self.thread.start()

    def loop(self):
        while True:
            self.most = max(self.most, self.subject.memory())
            if self.end.wait(SAMPLE_S):
                return

    def stop(self):
        self.end.set()
        self.thread.join()
        self.most = max(self.most, self.subject.memory())
        return self.most


class Table:
    """Runs of several filters in rounds."""

    def __init__(self):
        self.runs = {}

    def add(self, name, run):
        self.runs.setdefault(name, []).append(run)
        print('    %-40s %8.1f msgs/s %8.2f ms CPU  p50 %8.1f  p99 %8.1f ms  %6.0f MB%s' % (
            name, run.rate, run.cpu_ms, run.p50, run.p99, run.peak_mb,
            '  failed %d' % run.failed if run.failed else ''), flush=True)

    def median(self, name, what):
        return statistics.median(getattr(r, what) for r in self.runs[name])

    def ratio(self, what, name, base):
        """Median of the ratios of each round."""
        return statistics.median(self.ratios(what, name, base))

    def ratios(self, what, name, base):
        return [getattr(a, what) / max(getattr(b, what), 1e-6) for a, b in zip(self.runs[name], self.runs[base])]

    def show(self, base=None):
        """Medians, and each round's ratios to the base."""
        print('  medians of %d rounds%s' % (len(next(iter(self.runs.values()))), '; in brackets the ratios of each round' if base else ''))
        for name in self.runs:
            print('  %-42s %8.1f msgs/s %8.2f ms CPU  p50 %8.1f  p99 %8.1f ms  %6.0f MB' % (
                (name,) + tuple(self.median(name, w) for w in ('rate', 'cpu_ms', 'p50', 'p99', 'peak_mb'))))
            if base and name != base:
                print('  %-42s [%s] msgs/s, [%s] CPU, to %s' % ('', ' '.join('%.2f' % r for r in self.ratios('rate', name, base)),
                                                               ' '.join('%.2f' % r for r in self.ratios('cpu_ms', name, base)), base))


class Claims:
    """The marks of a scenario, one line each."""

    def __init__(self):
        self.missed = []

    def say(self, what, value, wanted, reached, unit=''):
        if not reached:
            self.missed.append(what)
        print('claim: %s: %s%s, wanted %s, reached %s' % (
            what, '%.2f' % value if isinstance(value, float) else value, unit, wanted, 'yes' if reached else 'no'), flush=True)

    def at_least(self, what, value, mark, unit=''):
        self.say(what, float(value), 'at least %g%s' % (mark, unit), value >= mark, unit)

    def at_most(self, what, value, mark, unit=''):
        self.say(what, float(value), 'at most %g%s' % (mark, unit), value <= mark, unit)

    def none(self, what, value):
        self.say(what, value, 'none', value == 0)


def rounds(subjects, count, args_of):
    """Each filter in turn, in every round in another order; args_of(round) gives mload's arguments."""
    table = Table()
    for r in range(count):
        print('  round %d' % (r + 1), flush=True)
        for n in range(len(subjects)):
            subject = subjects[(n + r) % len(subjects)]
            table.add(subject.name, Run(subject, args_of(r)))
    return table
