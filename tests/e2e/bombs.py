#!/usr/bin/python3
"""Limits of taking a message apart just below, at and above; bombs answered in time while small mail goes on

What cannot be had end to end (the sweep's own budgets to the byte, its levels) is in tests/unit/scanner.
"""
# run: timeout=150
import io
import os
import re
import sys
import threading
import time
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, rig, tap
from lib.avmilter import Daemon

DEADLINE = 40           # seconds for one message
SMALL_MOST = 3          # seconds for a small mail beside a bomb
WORKER_MB = 700         # resident memory of a worker that has no signatures to speak of
D = []


def daemon(name, **options):
    d = Daemon(name)
    d.sections['antivirus'].update(options, on_unscannable='pass', message_time_max='%ds' % DEADLINE)
    d.sections['antivirus']['max_extract_time'] = options.get('max_extract_time', '%ds' % (DEADLINE // 2))
    d.clamav['timeout'] = '%ds' % (DEADLINE // 2)
    D.insert(0, d)
    return d.start()


@tap.on_failure
def logs():
    return D[0].events()


def judge(d, message, queue_id):
    """The reason of an unscannable mail, '' of a clean one; header and log must say the same."""
    answer = milter.talk(d.address, message, queue_id)
    line, status = d.line(queue_id), answer.inserted().get('X-Virus-Status')
    tap.eq(answer.smtp(), 2, queue_id)
    why = line.get('why', '')
    tap.eq((line['verdict'], status), ('unscannable', ['Unscannable (%s)' % why]) if why else ('clean', ['Clean']), queue_id)
    return why


def nested(levels):
    body = mails.TEXT
    for n in range(levels):
        body = mails.join([b'Content-Type: multipart/mixed; boundary="=_%d"' % n], b'--=_%d\r\n%s\r\n--=_%d--\r\n' % (n, body, n))
    return mails.join(mails.headers('nested', ['MIME-Version: 1.0']), b'')[:-2] + body


def forwarded(levels):
    return mails.join(mails.headers('forwarded', ['MIME-Version: 1.0']), b'')[:-2] + \
        b'Content-Type: message/rfc822\r\n\r\n' * levels + b'Content-Type: text/plain\r\n\r\ndeep\r\n'


def attached(*parts):
    """Without a prologue, which would be an object too."""
    body = b''.join(b'--=_a\r\n' + p + b'\r\n' for p in parts) + b'--=_a--\r\n'
    return mails.join(mails.headers('limits', ['MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary="=_a"']), body)


def files(n):
    return attached(*[mails.part(b'number %d' % i, name='a%d' % i) for i in range(n)])


def sized(n):
    """A member of an archive: so many bytes, and all else is small."""
    return attached(mails.part(mails.zipped(b'x' * n, 'x.bin'), name='a.zip'))


def cumulative(n):
    """Parts of n bytes together."""
    return attached(*[mails.part(mails.noise(n // 4 + (n % 4 if i == 3 else 0), i), name='a%d' % i) for i in range(4)])


def few_parameters(n):
    return attached(b'Content-Type: text/plain' + b''.join(b';\r\n p%d=1' % i for i in range(n)) + b'\r\n\r\ntext')


def header(n):
    """A part with a header block of n bytes, without the empty line."""
    fixed = b'Content-Type: text/plain\r\nX-Pad: '
    return attached(fixed + b'x' * (n - len(fixed) - 2) + b'\r\n\r\ntext')


# (what, the mail of that measure, the last measure that is within the limit, reason beyond it)
LIMITS = [
    ('levels of multiparts', nested, 4, 'limit.depth'),
    ('levels of messages', forwarded, 4, 'limit.depth'),
    ('parts', files, 49, 'limit.files'),     # libclamav counts the message too
    ('bytes of an object', sized, 65536, 'limit.size'),
    ('bytes of a header block', header, 4096, 'limit.size'),
    ('parameters of a field', few_parameters, 255, 'limit.size'),
]


@tap.test('each limit: below it and at it a mail is clean, above it unscannable with its reason in header and log')
def limits():
    d = daemon('limits', max_extract_depth='4', max_file_count='50', max_extract_size='64K', header_max='4K')
    for n, (what, make, most, reason) in enumerate(LIMITS):
        got = [judge(d, make(most + by), 'L%d%d' % (n, by + 1)) for by in (-1, 0, 1)]
        tap.eq(got, ['', '', reason], what)
    d.stop()


@tap.test('bytes of all objects: clean, or unscannable with limit.cumulative')
def all_bytes():
    d = daemon('bytes', max_cumulative_extract_size='128K')
    # libclamav counts the message as it stands with what it holds, each time: to the byte is in tests/unit/scanner
    tap.eq([judge(d, cumulative(n), 'C%d' % n) for n in (20000, 131072 + 4)], ['', 'limit.cumulative'])
    d.stop()


@tap.test('more header blocks, and more levels of encodings, than the sweep looks at: unscannable')
def sweep():
    d = daemon('sweep', max_file_count='100')
    text = b'Content-Type: text/plain\r\n\r\n\r\n'
    tap.eq([judge(d, mails.join(mails.headers(), text * n), 'S%d' % n) for n in (3, 500)], ['', 'limit.files'])
    inner = b'the innermost of all\r\n' * 4
    for level in range(14):
        inner = b'Content-Transfer-Encoding: base64\r\n\r\n' + mails.b64(inner)
        if level in (3, 13):
            tap.eq(judge(d, mails.join(mails.headers(), b'') [:-2] + inner, 'D%d' % level), '' if level == 3 else 'limit.depth')
    d.stop()


@tap.test('the processor time of a mail: unscannable with limit.time')
def processor():
    d = daemon('time', max_extract_time='200ms', max_file_count='100000')
    tap.eq(judge(d, attached(*[b'\r\nx'] * 10), 'SHORT'), '')
    tap.eq(judge(d, mails.join(mails.headers(), b'begin 644 a\n#0V%T\n' * 150000), 'LONG'), 'limit.time')
    d.stop()


def parameters(n):
    return b''.join(b';\r\n p%d=%d' % (i, i) for i in range(n))


def zip_bomb(megabytes, layers):
    data = b'\0' * (megabytes << 20)
    for n in range(layers):
        data = mails.zipped(data, 'x%d.bin' % n)
    return data


TOP = ['MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=b']


def body(text, head=TOP):
    return mails.join(mails.headers('bomb', head), text)


# (what, the mail, reasons that it may have; '' = examined in full)
BOMBS = [
    ('1100 levels of multiparts', lambda: nested(1100), {'limit.depth'}),
    ('1100 forwarded messages', lambda: forwarded(1100), {'limit.depth'}),
    ('100000 parts', lambda: body(b'--b\r\n\r\nx\r\n' * 100000), {'limit.files', 'limit.size'}),
    ('200000 parameters', lambda: body(b'--b\r\nContent-Type: text/plain' + parameters(200000) + b'\r\n\r\nx\r\n--b--\r\n'),
     {'limit.size'}),
    ('60000 nested address groups', lambda: body(b'--b\r\nContent-Type: message/rfc822\r\n\r\nTo: ' + b'a:' * 60000 +
                                                 b'\r\n\r\nx\r\n--b--\r\n'), {'limit.depth'}),
    ('60000 nested address groups of the message', lambda: mails.join(mails.headers() + [b'Cc: ' + b'a:' * 30000], b'x\r\n'),
     {'limit.depth'}),
    ('2000000 lines like a boundary', lambda: body(b'--b\r\nContent-Type: text/plain\r\n\r\n' + b'--bogus\r\n' * 2000000 + b'--b--\r\n'),
     {'', 'limit.files', 'limit.size', 'limit.cumulative', 'limit.time'}),
    ('2000000 delimiters', lambda: body(b'--b\r\n' * 2000000), {'limit.files'}),
    ('a header line of 10 MB in a part', lambda: body(b'--b\r\nX-Long: ' + b'0123456789' * 1000000 + b'\r\n\r\nx\r\n--b--\r\n'),
     {'limit.size'}),
    ('a header of 10 MB in lines that the protocol can carry',
     lambda: mails.join(mails.headers() + [b'X-%d: ' % i + b'x' * 60000 for i in range(170)], b'x\r\n'), {'limit.size'}),
    ('3000000 lines of one base64 letter', lambda: body(b'Q\r\n' * 3000000, ['Content-Transfer-Encoding: base64']), {''}),
    ('a zip bomb of 1 GB', lambda: attached(mails.part(zip_bomb(1024, 1), name='a.zip')), {'limit.size', 'limit.cumulative'}),
    ('a zip bomb in 15 archives', lambda: attached(mails.part(zip_bomb(1, 15), name='a.zip')), {'limit.depth'}),
    ('an archive of 20000 files', lambda: attached(mails.part(many_files(20000), name='a.zip')), {'limit.files'}),
]


def many_files(n):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w') as z:
        for i in range(n):
            z.writestr('f%d' % i, b'%d' % i)
    return out.getvalue()


@tap.test('what is beside a bomb is found all the same')
def beside_a_bomb():
    d = daemon('beside')
    bomb = b'Content-Type: text/plain' + parameters(20000) + b'\r\n\r\nx'
    for n, m in enumerate([attached(bomb, mails.part(mails.EICAR, name='e.com')), attached(bomb, mails.part(mails.zipped(mails.EICAR), name='e.zip')),
                           attached(bomb, b'Content-Type: text/plain\r\n\r\n' + mails.EICAR + b'\r\n')]):
        tap.eq(milter.talk(d.address, m, 'N%d' % n).smtp(), 5)
        tap.eq(d.line('N%d' % n)['verdict'], 'infected')
    d.stop()


class Beside:
    """Small mails, one after the other, while something else goes on; how long the slowest took."""

    def __init__(self, d, tag):
        self.d, self.tag, self.worst, self.codes, self.over = d, tag, 0.0, set(), False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        n = 0
        while not self.over or n == 0:
            begin = time.monotonic()
            message, want = (mails.eicar_plain(), 5) if n % 2 else (mails.clean(), 2)
            self.codes.add(milter.talk(self.d.address, message, '%sS%d' % (self.tag, n)).smtp() == want)
            self.worst = max(self.worst, time.monotonic() - begin)
            n += 1
            time.sleep(0.02)

    def end(self):
        self.over = True
        self.thread.join()


def peak_mb(d):
    """The largest resident set that one of the workers has had."""
    most = 0
    for pid in d.workers():
        found = re.search(r'VmHWM:\s+(\d+)', rig.read('/proc/%d/status' % pid))
        most = max(most, int(found.group(1)) // 1024 if found else 0)
    return most


@tap.test('bombs: answered within the deadline, as unscannable or examined in full; small mail beside them is not kept waiting')
def bombs():
    d = daemon('bombs')
    for n, (what, make, reasons) in enumerate(BOMBS):
        message = make()
        beside = Beside(d, 'B%d' % n)
        try:
            begin = time.monotonic()
            why = judge(d, message, 'BOMB%d' % n)
            took = time.monotonic() - begin
        finally:
            beside.end()
        tap.diag('%s: %s in %.1f s, small mail %.2f s, worker %d MB' % (what, why or 'clean', took, beside.worst, peak_mb(d)))
        tap.ok(why in reasons, '%s: %r' % (what, why))
        tap.ok(took < DEADLINE * rig.SLOW, '%s took %.1f s' % (what, took))
        tap.eq(beside.codes, {True}, 'small mail beside ' + what)
        tap.ok(beside.worst < SMALL_MOST * rig.SLOW, 'small mail took %.1f s beside %s' % (beside.worst, what))
        tap.ok(rig.SAN or peak_mb(d) < WORKER_MB, '%s: a worker has had %d MB' % (what, peak_mb(d)))
    tap.hasnt(d.logged(), 'ended by signal', 'the log')
    d.stop()


tap.main()
