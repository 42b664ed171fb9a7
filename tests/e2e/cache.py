#!/usr/bin/python3
"""The result cache: campaigns are scanned once, verdicts are the same with and without it, old ones never answer"""
# run: timeout=240 san=address,thread
import concurrent.futures
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, rig, tap
from lib.avmilter import Daemon, MARKER, MARKER_NAME, q

D = []
SENT = [0]
SECRET = 'a secret that only this test knows'


def daemon(name, **antivirus):
    D.insert(0, Daemon(name))
    D[0].sections['antivirus'].update(antivirus)
    return D[0]


def share(d, server):
    rig.write(d.dir + '/secret', SECRET, 0o644)
    os.chmod(d.dir + '/secret', 0o640)
    d.sections['cache'] = {'redis': q(server), 'secret_file': q(d.dir + '/secret'), 'timeout': '500ms'}
    return d


@tap.on_failure
def logs():
    return rig.tail(D[0].output, 40)


def ask(d, message):
    """(SMTP class, log line) of one message."""
    SENT[0] += 1
    queue_id = 'Q%d' % SENT[0]
    answer = milter.talk(d.address, message, queue_id=queue_id)
    return answer.smtp(), d.line(queue_id)


def judged(d, message):
    """What is said about a message, cached or not."""
    smtp, line = ask(d, message)
    return smtp, tuple(line.get(k) for k in ('verdict', 'virus', 'object', 'engine', 'action', 'why', 'objects', 'left_out', 'sigs'))


def campaign(n, body, seed=1):
    """n mails as one sender sends them: only what each delivery writes anew differs."""
    r = random.Random(seed)
    for i in range(n):
        word = '%012x' % r.getrandbits(48)
        head = [h.encode() for h in (
            'Return-Path: <bounce-%s@news.example>' % word,
            'Received: from out%d.news.example (out%d.news.example [192.0.2.%d])\r\n\tby mx.test (Postfix) with ESMTPS id %s\r\n'
            '\tfor <u@local.test>; Mon, %d Mar 2026 10:%02d:%02d +0000 (UTC)' % (i % 9, i % 9, i % 250, word.upper(), i % 28 + 1, i % 60, i % 59),
            'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=news.example; s=s1;\r\n\th=From:To:Subject; bh=%s=;\r\n\tb=%s==' % (word * 3, word * 5),
            'Message-ID: <%s.%d@news.example>' % (word, i),
            'Date: Mon, %d Mar 2026 10:%02d:00 +0000' % (i % 28 + 1, i % 60),
            'From: News <news@news.example>', 'To: <u@local.test>', 'Subject: All the news', 'MIME-Version: 1.0',
            'Content-Type: text/plain')]
        yield mails.join(head, body)


def words(lines):
    return sorted(line['cache'] for _, line in lines)


@tap.test('a campaign of 100 mails, one after the other, is one scan')
def one_after_the_other():
    d = daemon('serial').start()
    for body, smtp in ((b'Cheap news today.\r\n', 2), (mails.EICAR + b'\r\n', 5)):
        before = len(d.lines())
        for m in campaign(50, body):
            tap.eq(ask(d, m)[0], smtp)
        lines = d.lines()[before:]
        tap.eq(words(lines), ['hit'] * 49 + ['miss'])
        tap.eq({(v['verdict'], v.get('virus'), v.get('objects')) for _, v in lines}, {(v['verdict'], v.get('virus'), v.get('objects')) for _, v in lines[:1]})
    d.stop()


@tap.test('a campaign of 100 mails, 16 at a time, is one scan')
def all_at_once():
    d = daemon('parallel').start()
    for body, smtp in ((mails.b64(mails.noise(300000)), 2), (mails.EICAR + b'\r\n', 5)):
        before = len(d.lines())
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda m: milter.talk(d.address, m).smtp(), campaign(100, body)))
        tap.eq(set(answers), {smtp})
        rig.wait_for(lambda: len(d.lines()) >= before + 100, 10, 'all lines')
        tap.eq(words(d.lines()[before:]), ['hit'] * 99 + ['miss'])
    d.stop()


def corpus():
    """Mails of every kind, each with a second one that shares its attachment."""
    all_ = [mails.clean(), mails.clean_attachments(), mails.eicar_plain(), mails.eicar_base64(), mails.eicar_zip(),
            mails.eicar_zip(3), mails.eicar_forwarded(), mails.eicar_signed(), mails.eicar_8bit(), mails.clean_8bit(),
            mails.no_mime_headers(), mails.no_headers(), mails.empty_body()]
    r = random.Random(5)
    for i in range(12):
        data = r.choice([mails.EICAR, MARKER, mails.noise(r.randrange(1, 20000), i), mails.zipped(MARKER, 'a.txt')])
        for name in ('one.bin', 'two.bin', 'three \u00fc.bin'):
            all_.append(mails.multipart([mails.part(b'see attachment %d\r\n' % i, 'text/plain', encode=False),
                                         mails.part(data, name=name)], 'same part %d' % i))
    all_ += list(campaign(3, b'Hello.\r\n')) + list(campaign(3, MARKER + b'\r\n', 2))
    return all_


@tap.test('cache off, on and shared: the same verdicts on the whole corpus')
def same_verdicts():
    redis = rig.Process(['redis-server', '--port', '0', '--unixsocket', rig.WORK + '/redis.sock', '--unixsocketperm', '777',
                         '--save', '', '--dir', rig.WORK], rig.WORK + '/redis.out')
    rig.wait_for(lambda: os.path.exists(rig.WORK + '/redis.sock'), 10, 'redis')
    everything = corpus()
    for whole in ('true', 'false'):
        verdicts = {}
        off = daemon('off' + whole, cache_memory='0', scan_whole=whole).start()
        verdicts['off'] = [judged(off, m) for m in everything]
        tap.eq(set(words(off.lines())), {'off'})
        off.stop()
        on = daemon('on' + whole, scan_whole=whole).start()
        verdicts['on'] = [judged(on, m) for m in everything]
        verdicts['again'] = [judged(on, m) for m in everything]
        tap.eq(words(on.lines()[len(everything):]), ['hit'] * len(everything))
        on.stop()
        first, second = [share(daemon(n + whole, scan_whole=whole), 'unix:%s/redis.sock' % rig.WORK).start() for n in ('first', 'second')]
        first.wait_log('redis .*connected')
        second.wait_log('redis .*connected')
        verdicts['first'] = [judged(first, m) for m in everything]
        time.sleep(1)
        verdicts['second'] = [judged(second, m) for m in everything]
        hits = words(second.lines()).count('hit')
        tap.ok(hits == len(everything), 'only %d of %d were known from the other machine' % (hits, len(everything)))
        first.stop()
        second.stop()
        for name, got in verdicts.items():
            for n, (want, have) in enumerate(zip(verdicts['off'], got)):
                tap.eq(have, want, 'scan_whole %s, cache %s, mail %d' % (whole, name, n))
        tap.ok({v[0] for v in verdicts['off']} == {2, 5}, 'the corpus has nothing to find')
    redis.stop()


@tap.test('the shared cache dies: mail goes on, without waiting')
def redis_dies():
    sock = rig.WORK + '/dying.sock'
    argv = ['redis-server', '--port', '0', '--unixsocket', sock, '--unixsocketperm', '777', '--save', '', '--dir', rig.WORK]
    redis = rig.Process(argv, rig.WORK + '/dying.out')
    rig.wait_for(lambda: os.path.exists(sock), 10, 'redis')
    d = share(daemon('dying'), 'unix:' + sock).start()
    d.wait_log('redis .*connected')
    tap.eq(ask(d, mails.clean('before'))[0], 2)
    for sig in (signal.SIGSTOP, signal.SIGKILL):
        redis.kill(sig)
        for n in range(30):
            begin = time.monotonic()
            tap.eq(ask(d, mails.clean('during %d %d' % (n, sig), body='%d %d\r\n' % (n, sig)))[0], 2)
            tap.ok(time.monotonic() - begin < 2 * rig.SLOW, 'waited %.1f s for a cache that is gone' % (time.monotonic() - begin))
    redis.stop()
    d.wait_log('cache: redis ')
    d.stop()


@tap.test('verdicts of old definitions never answer after a reload')
def new_definitions():
    d = daemon('defs')
    db = rig.folder('defs-db')
    for name in os.listdir(d.clamav['database'].strip('"')):
        shutil.copy(d.clamav['database'].strip('"') + '/' + name, db)
    d.clamav['database'] = q(db)
    d.start()
    body = b'Tomorrow this will be called a virus.\r\n'
    mailing = campaign(100, body)
    tap.eq(ask(d, next(mailing))[0], 2)
    smtp, line = ask(d, next(mailing))
    tap.eq((smtp, line['cache']), (2, 'hit'))
    for turn, (text, want, virus) in enumerate((('Tomorrow:0:*:%s\n' % body[:-2].hex(), 5, 'Tomorrow.UNOFFICIAL'), ('Nothing:0:*:%s\n' % b'no such bytes'.hex(), 2, None))):
        rig.write(db + '/more.ndb', text)
        rig.run([rig.program('avmilterctl'), '-c', d.conf, 'update'], check=True)
        rig.wait_for(lambda: ask(d, next(mailing))[0] == want, 20, 'the new definitions')
        smtp, line = ask(d, next(mailing))
        tap.eq((smtp, line.get('virus')), (want, virus))
        tap.eq(line['cache'], 'hit')
    d.stop()


@tap.test('a payload in a header field of a known mail is seen')
def header_payload():
    d = daemon('payload').start()
    for m in campaign(3, b'Known.\r\n'):
        last = m
        tap.eq(ask(d, m)[0], 2)
    for field in (b'Message-ID: <', b'Received: from ', b'Date: ', b'DKIM-Signature: v=1; b='):
        evil = field + mails.EICAR + b'>'
        smtp, line = ask(d, evil + b'\r\n' + last)
        tap.eq((line['cache'], smtp, line['verdict']), ('miss', 5, 'infected'), field)
    d.stop()


@tap.test('what a worker found clean is forgotten when it crashes')
def crashed_worker():
    d = daemon('crash').start()
    d.clamav['workers'] = '1'
    mailing = campaign(100, b'Was it really clean?\r\n')
    tap.eq(ask(d, next(mailing))[1]['cache'], 'miss')
    tap.eq(ask(d, next(mailing))[1]['cache'], 'hit')
    for pid in d.workers():
        os.kill(pid, signal.SIGKILL if rig.SAN else signal.SIGSEGV)     # a sanitizer would report the SEGV
    d.wait_log('died', count=1)
    rig.wait_for(lambda: ask(d, next(mailing))[1]['cache'] == 'miss', 10, 'a scan')
    tap.eq(ask(d, next(mailing))[1]['cache'], 'hit')
    d.stop()


@tap.test('poison: 451 twice, then unscannable, then not even tried')
def poison():
    d = daemon('poison')
    d.args = ['--test-engines']
    d.clamav = None
    d.more_engines = '\tfake "fake" {\n\t}\n'
    d.sections['antivirus']['mime_decompose'] = 'false'
    d.start(ready=False)
    mailing = campaign(100, b'FAKE:fail=worker-died\r\n')
    for want, verdict in ((4, 'error'), (4, 'error'), (5, 'unscannable'), (5, 'unscannable')):
        smtp, line = ask(d, next(mailing))
        tap.eq((smtp, line['verdict']), (want, verdict), line)
        tap.eq('poison' in line.get('why', ''), want == 5)
        tap.eq(ask(d, mails.clean('between %d' % SENT[0]))[0], 2)     # scanned: the engine works
    tap.eq(ask(d, mails.clean())[0], 2)
    # failures that are not the mail's doing never add up, nor do those of a machine on which nothing works any more
    mailing = campaign(100, b'FAKE:fail=worker-died\r\n the other one', 3)
    tap.eq([ask(d, next(mailing))[0] for _ in range(5)], [4] * 5)
    for _ in range(5):
        smtp, line = ask(d, mails.clean(body='FAKE:fail=unreachable\r\n'))
        tap.eq((smtp, line['verdict']), (4, 'error'))
    d.stop()


@tap.test('cache_size = 0 and cache_memory = 0 turn it off')
def off():
    for name, options in (('memory', {'cache_memory': '0'}), ('sizes', {'cache_size': '0', 'cache_size_clean': '0'})):
        d = daemon('off-' + name, **options).start()
        for m in campaign(3, b'Again.\r\n'):
            tap.eq(ask(d, m)[1]['cache'], 'off')
        d.stop()
    # no room for findings only: clean mail is known, infected mail is scanned each time
    d = daemon('off-findings', cache_size='0').start()
    tap.eq([ask(d, m)[1]['cache'] for m in campaign(3, b'Again.\r\n')], ['miss', 'hit', 'hit'])
    tap.eq([ask(d, m)[1]['cache'] for m in campaign(3, MARKER)], ['miss'] * 3)
    d.stop()


@tap.test('avmilterctl cache: stats, purge of one object, of everything')
def console():
    d = daemon('console', scan_whole='false', sweep='false').start()

    def ctl(*words):
        return rig.run([rig.program('avmilterctl'), '-c', d.conf, '-j', 'cache'] + list(words))

    def stats():
        return json.loads(ctl('stats')[1])['memory']

    data = mails.noise(5000)
    first, second = [mails.multipart([mails.part(b'text %d\r\n' % n, 'text/plain', encode=False), mails.part(data, name='%d.bin' % n)]) for n in (1, 2)]
    ask(d, mails.clean('warm up'))
    before = stats()
    for m, want in ((first, 'miss'), (first, 'hit'), (second, 'miss')):
        tap.eq(ask(d, m)[1]['cache'], want)
    after = stats()
    tap.eq([after['messages'][k] - before['messages'][k] for k in ('hits', 'misses')], [1, 2])
    # the attachment of the second mail was known, its text was not
    tap.eq([after['objects'][k] - before['objects'][k] for k in ('hits', 'misses')], [1, 3])
    tap.eq(json.loads(ctl('purge', hashlib.sha256(data).hexdigest())[1]), {'purged': 1})
    tap.eq(json.loads(ctl('purge', 'all')[1])['purged'] >= 4, True)
    tap.eq((stats()['entries_clean'], stats()['bytes']), (0, 0))
    tap.eq(ask(d, first)[1]['cache'], 'miss')
    for wrong in (('purge',), ('purge', 'abc'), ('nonsense',), ('purge', 'all', 'more')):
        tap.eq(ctl(*wrong)[0], 2, wrong)
    d.stop()


if __name__ == '__main__':
    tap.main()
