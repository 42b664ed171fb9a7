"""scenarios - what is measured and what must come out; each takes the Bench and the Claims"""
import os
import statistics
import threading
import time

from bench import filters, front, measure, signatures
from lib import rig

CLIENTS = 8
MANY = 128
SMALL = 32 << 10                # bytes of a small mail
CORES = os.cpu_count()
RELOADS = 3


def corpus(bench, claims):
    """Mail as it comes, default settings, beside clamav-milter."""
    db = bench.database()
    ours, peer = filters.Avmilter(db).start(), filters.ClamavMilter(db).start()
    more = [filters.Rspamd(db, whole=True).start(), filters.Accept().start()]
    table = measure.rounds([ours, peer] + more, bench.rounds, lambda r: ['-c', CLIENTS, *bench.once('mixed', r)])
    table.show(peer.name)
    claims.at_least('messages/s to clamav-milter', table.ratio('rate', ours.name, peer.name), 1.3, 'x')
    claims.at_most('processor time per message to clamav-milter', table.ratio('cpu_ms', ours.name, peer.name), 0.75, 'x')
    claims.at_most('p99 at end of message to clamav-milter', table.ratio('p99', ours.name, peer.name), 1.0, 'x')
    missed = [n for a, b in zip(table.runs[ours.name], table.runs[peer.name]) for n in b.caught - a.caught]
    print('  infected mails caught: %s' % caught(table))
    claims.none('mails that clamav-milter catches and avmilter does not', len(missed))
    claims.none('clean mails that avmilter refuses, tempfails or loses', sum(r.wrong + r.failed for r in table.runs[ours.name]))


def logical(bench, claims):
    """Mail as it comes, with as many logical signatures as ClamAV's own main.ldb has."""
    db = bench.database(signatures.LOGICAL_OFFICIAL)
    ours, peer = filters.Avmilter(db).start(), filters.ClamavMilter(db).start()
    table = measure.rounds([ours, peer], bench.rounds, lambda r: ['-c', CLIENTS, *bench.once('mixed', r)])
    table.show(peer.name)
    claims.at_least('messages/s to clamav-milter', table.ratio('rate', ours.name, peer.name), 1.3, 'x')
    claims.at_most('processor time per message to clamav-milter', table.ratio('cpu_ms', ours.name, peer.name), 0.75, 'x')
    claims.none('clean mails that avmilter refuses, tempfails or loses', sum(r.wrong + r.failed for r in table.runs[ours.name]))


def clamd(bench, claims):
    """The same clamd behind both, mail as it comes: with the parts beside the whole mail, and the whole mail alone."""
    db = bench.database()
    ours, alike = filters.ThroughClamd(db).start(), filters.ThroughClamd(db, whole=True).start()
    peer = filters.ClamavMilter(db).start()
    table = measure.rounds([ours, alike, peer], bench.rounds, lambda r: ['-c', CLIENTS, *bench.once('mixed', r)])
    table.show(peer.name)
    print('  infected mails caught: %s' % caught(table))
    claims.at_least('messages/s to clamav-milter, both handing over the whole mail', table.ratio('rate', alike.name, peer.name), 1.0, 'x')
    claims.none('clean mails that avmilter refuses, tempfails or loses', sum(r.wrong + r.failed for r in table.runs[ours.name]))


def caught(table):
    return ', '.join('%s %d' % (n, sum(len(r.caught) for r in runs)) for n, runs in table.runs.items())


def leaves(bench, claims):
    """Text and image parts left out, as rspamd does by default."""
    db = bench.database()
    ours, peer = filters.Avmilter(db).leaves_only().start(), filters.Rspamd(db).start()
    table = measure.rounds([ours, peer], bench.rounds, lambda r: ['-c', CLIENTS, *bench.once('mixed', r)])
    table.show(peer.name)
    print('  infected mails caught: %s' % caught(table))
    claims.at_least('messages/s to rspamd', table.ratio('rate', ours.name, peer.name), 1.2, 'x')
    missed = [n for a, b in zip(table.runs[ours.name], table.runs[peer.name]) for n in b.caught - a.caught]
    claims.none('mails that rspamd catches and avmilter does not', len(missed))
    claims.none('clean mails that avmilter refuses, tempfails or loses', sum(r.wrong + r.failed for r in table.runs[ours.name]))


def campaign(bench, claims):
    """The same mails again and again under new trace headers; each was seen once before."""
    db = bench.database()
    ours, peer, accept = filters.Avmilter(db).start(), filters.ClamavMilter(db).start(), filters.Accept().start()
    index = bench.corpus('bases', 40, 1)
    for f in (ours, peer, accept):
        measure.Run(f, ['-c', CLIENTS, '-n', 40, '-V', '-x', index])
    count = {ours.name: 2000, peer.name: 200, accept.name: 4000}
    table = measure.Table()
    for r in range(bench.rounds):
        print('  round %d' % (r + 1))
        for f in (ours, peer, accept):
            table.add(f.name, measure.Run(f, ['-c', CLIENTS, '-n', count[f.name] // bench.shrink, '-V', '-x', index]))
    table.show(peer.name)
    claims.at_least('messages/s to clamav-milter', table.ratio('rate', ours.name, peer.name), 20, 'x')
    claims.at_most('messages/s of the accept-everything filter to ours', table.ratio('rate', accept.name, ours.name), 2.5, 'x')
    print('  processor time to the accept-everything filter %.2fx' % table.ratio('cpu_ms', ours.name, accept.name))


def unique(bench, claims):
    """Nothing ever repeats."""
    db = bench.database()
    ours, peer = filters.Avmilter(db).start(), filters.ClamavMilter(db).start()
    table = measure.rounds([ours, peer], bench.rounds, lambda r: ['-c', CLIENTS, *bench.once('unique', r)])
    table.show(peer.name)
    claims.at_most('processor time per message to clamav-milter', table.ratio('cpu_ms', ours.name, peer.name), 0.85, 'x')


def many(bench, claims):
    """128 clients at once. What a message costs is measured beforehand, one at a time, by a filter with an empty cache."""
    db = bench.database()
    ours, measured = filters.Avmilter(db).start(), filters.Avmilter(db, 'avmilter, one client').start()
    table = measure.Table()
    count = max(bench.messages, 2 * MANY)
    index = bench.corpus('mixed', count, 50)
    table.add(measured.name, measure.Run(measured, ['-c', 1, '-n', count, '-x', index]))
    eight = 'avmilter, %d clients' % CLIENTS
    table.add(eight, measure.Run(measured, ['-c', CLIENTS, '-n', count, '-x', bench.corpus('mixed', count, 51)]))
    name = 'avmilter, %d clients' % MANY
    table.add(name, measure.Run(ours, ['-c', MANY, '-n', count, '-x', index]))
    peer = filters.ClamavMilter(db).start()
    table.add(peer.name, measure.Run(peer, ['-c', MANY, '-n', count, '-x', index]))
    alone, crowd, few = (table.runs[n][0] for n in (measured.name, name, eight))
    claims.none('answers of 451 and lost mails', crowd.failed)
    wait, bound = longest_wait(crowd.messages, {m.number: m.end - m.eom for m in alone.messages})
    claims.at_most('longest wait (%.1f s) to the queued scan seconds at its arrival / cores (%.1f s)' % (wait, bound),
                   wait / bound, 1.5, 'x')
    share = small_p99(few.messages) * MANY / CLIENTS
    claims.at_most('p99 of small mails (%.0f ms) to that of %d clients times %d' % (
        1000 * small_p99(crowd.messages), CLIENTS, MANY // CLIENTS), small_p99(crowd.messages) / share, 3.0, 'x')


def longest_wait(messages, cost):
    """(seconds of the message that waited longest, scan seconds before it and its own / cores)."""
    done = [m for m in messages if m.answer in ('250', '550')]
    last = max(done, key=lambda m: m.end - m.eom)
    queued = [m for m in messages if m.eom and m.eom <= last.eom < m.end]
    return last.end - last.eom, sum(cost.get(m.number, 0) for m in queued) / CORES


def small_p99(messages):
    waits = sorted(m.end - m.eom for m in messages if m.size <= SMALL and m.answer in ('250', '550'))
    return waits[int(0.99 * (len(waits) - 1))]


def reload(bench, claims):
    """New signatures under 60 % of the load that it can bear: loaded beside the old ones, and in their place."""
    db = bench.database()
    seconds = 20 if bench.quick else 45
    for how, options in (('concurrent', {}), ('blocking', {'reload': 'blocking'})):
        quiet = filters.Avmilter(db, 'avmilter, no reload', clamav=options).start()
        rate = 0.6 * measure.Run(quiet, ['-c', CLIENTS, *bench.once('mixed', 60)]).rate
        index = bench.corpus('mixed', int(rate * seconds) + 1, 61)
        load = ['-c', MANY, '-r', '%.1f' % rate, '-t', seconds, '-x', index]
        table = measure.Table()
        table.add(quiet.name, measure.Run(quiet, load))
        quiet.stop()
        ours = filters.Avmilter(db, 'avmilter, %d %s reloads' % (RELOADS, how), clamav=options).start()
        measure.Run(ours, ['-c', CLIENTS, *bench.once('mixed', 60)])
        memory = ours.memory()
        thread = threading.Thread(target=reloads, args=(bench, ours, seconds))
        thread.start()
        table.add(ours.name, measure.Run(ours, load))
        thread.join()
        a, b = table.runs[quiet.name][0], table.runs[ours.name][0]
        claims.none('%s: answers of 451 and lost mails' % how, b.failed)
        claims.say('%s: reloads that were finished' % how, ours.reloaded, RELOADS, ours.reloaded == RELOADS)
        if how == 'concurrent':
            claims.at_most('concurrent: longest wait (%.0f ms) to p99 without reload (%.0f ms)' % (b.worst, a.p99),
                           b.worst / a.p99, 1.5, 'x')
            print('  longest wait without reload %.0f ms: the largest mails take that long by themselves' % a.worst)
            claims.at_most('concurrent: memory afterwards to that before', settled_memory(ours) / memory, 1.1, 'x')
        else:
            claims.at_most('blocking: peak memory to that without reload', b.peak_mb / a.peak_mb, 1.15, 'x')
        ours.stop()


def reloads(bench, subject, seconds):
    """That many loads of changed signatures, spread over the time."""
    subject.reloaded = 0
    for n in range(RELOADS):
        start = time.monotonic()
        old = subject.zygotes()
        bench.change_database(n)
        subject.update()
        while time.monotonic() - start < 120 and old & subject.zygotes() or not subject.zygotes():
            time.sleep(0.1)
        subject.reloaded += not old & subject.zygotes()
        print('    reload %d took %.1f s' % (n + 1, time.monotonic() - start), flush=True)
        time.sleep(max(0, seconds / (RELOADS + 1) - (time.monotonic() - start)))


def settled_memory(subject):
    time.sleep(2)
    return subject.memory()


def memory(bench, claims):
    """All pages of all processes under the same load."""
    db = bench.database()
    ours, peer = filters.Avmilter(db).start(), filters.ClamavMilter(db).start()
    table = measure.rounds([ours, peer], bench.rounds, lambda r: ['-c', CLIENTS, *bench.once('mixed', 70 + r)])
    table.show(peer.name)
    above = statistics.median(a.peak_mb - b.peak_mb for a, b in zip(table.runs[ours.name], table.runs[peer.name]))
    claims.at_most('peak memory above that of clamav-milter + clamd', above, 64, ' MB')


def verdicts(bench, claims):
    """The cache off, on and shared: the same answer for every mail, at its first sight and at its second, which has other
    trace headers."""
    db = bench.database()
    redis = filters.Redis()
    ways = [filters.Avmilter(db, 'cache off', {'cache_memory': '0'}), filters.Avmilter(db, 'cache on')]
    ways += [filters.Avmilter(db, 'no cache at all, regexes interpreted', {'cache_memory': '0'}, {'layer_cache': 'false', 'pcre_jit': 'false'})]
    ways += [filters.Avmilter(db, 'shared cache, %s instance' % n).share(redis) for n in ('first', 'second')]
    answers = {}
    for f in ways:
        f.start()
        table = measure.Table()
        for sight, vary in (('first', []), ('second', ['-V'])):
            run = measure.Run(f, ['-c', CLIENTS, *vary, *bench.once('mixed', 80)])
            table.add('%s, %s sight' % (f.name, sight), run)
            answers[f.name, sight] = {m.number: m.answer for m in run.messages}
        f.stop()
    base = answers['cache off', 'first']
    for key, got in answers.items():
        claims.none('%s, %s sight: answers that differ from those without a cache' % key,
                    sum(got.get(n) != base[n] for n in base))
    claims.none('mails without an answer', sum(a not in ('250', '550') for a in base.values()))
    claims.say('hits of the shared cache', redis.hits(), 'some', redis.hits() > 0)
    redis.stop()


SCENARIOS = {f.__name__: f for f in (corpus, logical, leaves, clamd, campaign, unique, many, reload, memory, verdicts)}
SCENARIOS['front'] = front.scenario

