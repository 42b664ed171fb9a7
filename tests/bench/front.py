"""front - what the front costs, beside a libmilter filter that accepts everything (tests/tools/accept_milter.c, NR flags)

Processor time per 10 KB message with the null engine; resident memory per idle connection; growth by a message of 50 MB.
"""
import time

from bench import filters, measure
from lib import mails, milter
from lib.avmilter import settled
from lib.load import Load

CLIENTS, SIZE, IDLE, LARGE = 4, 10000, 2000, 50 << 20
RATIO_MARK, IDLE_MARK_KIB, LARGE_MARK_KIB = 2.5, 16.0, 1024 + 2048


def null_filter(name, decompose):
    f = filters.Avmilter('', name, {'mime_decompose': 'true' if decompose else 'false'})
    f.daemon.clamav = None
    f.daemon.args = ['--test-engines']
    f.daemon.more_engines = '\tnull "null" {}\n'
    return f


def processor(claims, rounds, messages):
    accept = filters.Accept().start()
    plain = null_filter('null engine, mime_decompose off', False).start()
    parts = null_filter('null engine, mime_decompose on', True).start()
    subjects = [accept, plain, parts]
    for f in subjects:
        measure.Run(f, ['-c', CLIENTS, '-n', 200, '-g', SIZE])
    table = measure.rounds(subjects, rounds, lambda r: ['-c', CLIENTS, '-n', messages, '-g', SIZE])
    table.show(accept.name)
    claims.at_most('processor time of the front, null engine, to the accept-everything filter',
                   table.ratio('cpu_ms', plain.name, accept.name), RATIO_MARK, 'x')
    for f in subjects:
        f.stop()


def idle(claims):
    f = null_filter('idle', False).start()
    d = f.daemon
    Load(f.address, '-c', 4, '-n', 200, '-g', SIZE).finish()
    before = settled(lambda: d.memory('RssAnon'))
    load = Load(f.address, '-i', IDLE, '-t', 4, '-r', 2, '-g', 1000)
    time.sleep(3)
    grown = d.memory('RssAnon') - before
    load.finish()
    claims.at_most('memory of an idle connection (%d of them)' % IDLE, grown / IDLE, IDLE_MARK_KIB, ' KiB')
    f.stop()


def large(claims):
    f = null_filter('large', True).start()
    d = f.daemon
    milter.talk(f.address, mails.clean())
    before = settled(lambda: d.memory('RssAnon', 'RssShmem'))
    most = 0
    m = milter.Milter(f.address)
    m.connect()
    m.helo()
    m.mail()
    m.rcpt()
    m.data('LARGE')
    m.header('Subject', ' x')
    m.eoh()
    body = mails.noise(LARGE)
    for at in range(0, LARGE, 1 << 20):
        m.body(body[at:at + (1 << 20)])
        most = max(most, d.memory('RssAnon', 'RssShmem'))
    m.eom()
    most = max(most, d.memory('RssAnon', 'RssShmem'))
    claims.at_most('growth of the front by a message of 50 MB', float(most - before), LARGE_MARK_KIB, ' KiB')
    m.quit()
    f.stop()


def scenario(bench, claims):
    """What the front costs without an engine, beside the accept-everything filter."""
    processor(claims, bench.rounds, 2000 if bench.quick else 4000)
    idle(claims)
    large(claims)
