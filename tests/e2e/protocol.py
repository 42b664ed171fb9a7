#!/usr/bin/python3
"""The milter protocol, well and badly spoken: miltertest scripts, and a raw client that cuts, floods and lies"""
# run: timeout=180 san=address,thread
import glob
import os
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, rig, tap
from lib.avmilter import Daemon, q, settled
from lib.milter import Closed, Milter, packet

D = []
# how many of the headers of the flood, and the bytes of a part of a slow packet
FLOOD = 100000
BODY = b'Hello,\r\n\r\nplain text.\r\n'


def daemon():
    if not D:
        D.append(Daemon().start())
    return D[0]


@tap.on_failure
def logs():
    return D[0].events()


def fresh(**kw):
    """A connection past HELO."""
    m = Milter(daemon().address, **kw)
    m.connect()
    m.helo()
    return m


COUNT = [0]


def next_id():
    COUNT[0] += 1
    return 'P%d' % COUNT[0]


def still_right(m=None, what=''):
    """A clean mail is accepted and an infected one refused: on this connection, or on new ones."""
    d = daemon()
    tap.ok(d.process.alive(), 'avmilter is gone' + what)
    for message, want in ((mails.clean(), 2), (mails.eicar_base64(), 5)):
        if m:
            answer = m.message(message, queue_id=next_id())
        else:
            answer = milter.talk(d.address, message, next_id())
        tap.eq(answer.smtp(), want, 'class of the answer%s: %s' % (what, answer))
    if m:
        tap.ok(m.quiet(), 'something came after the answer')


def envelope(m):
    m.mail()
    m.rcpt()
    m.data(next_id())


# the states a message can be in, each with the steps that lead there
STEPS = (
    ('connected', lambda m: m.connect()),
    ('helo', lambda m: m.helo()),
    ('mail', lambda m: m.mail()),
    ('rcpt', lambda m: m.rcpt()),
    ('data', lambda m: m.data(next_id())),
    ('first header', lambda m: m.header('Subject', ' x')),
    ('headers', lambda m: m.header('From', ' a@src.test')),
    ('eoh', lambda m: m.eoh()),
    ('body', lambda m: m.body(BODY)),
    ('more body', lambda m: m.body(mails.EICAR)),
)


@tap.test('negotiation: every NR flag and HDR_LEADSPC are asked for, no action beyond what is needed')
def negotiation():
    m = Milter(daemon().address)
    NO_UNKNOWN = 0x100
    for letter, flag in milter.NO_REPLY.items():
        tap.ok(m.steps & (flag | (NO_UNKNOWN if letter == 'U' else 0)), 'NR flag of %s was not asked for: %#x' % (letter, m.steps))
    tap.ok(m.steps & milter.HDR_LEADSPC, 'HDR_LEADSPC was not asked for')
    CHGBODY, ADDRCPT, DELRCPT = 2, 4, 8
    tap.eq(m.actions & (CHGBODY | ADDRCPT | DELRCPT), 0, 'actions that no option needs')
    tap.eq(m.version, 6)
    m.quit()


for script in sorted(glob.glob(rig.ROOT + '/tests/mt/*.lua')):
    def run_script(script=script):
        status, out, err = rig.run(['miltertest', '-s', script, '-D', 'socket=' + daemon().socket,
                                    '-D', 'eicar=' + mails.EICAR.decode()])
        tap.eq((status, out.strip()), (0, 'passed'), 'miltertest (%s)' % err)
    tap.test('miltertest: ' + os.path.basename(script))(run_script)


@tap.test('messages on one connection: verdicts, fields and log lines do not mix')
def one_connection():
    m = fresh()
    for n in range(20):
        infected = n % 3 == 1
        who = '<s%d@src.test>' % n
        queue_id = next_id()
        forged = ['X-Virus-Status: Clean'] if n % 2 else []
        message = mails.eicar_plain() if infected else mails.clean('n%d' % n, forged)
        answer = m.message(message, sender=who, rcpts=['<r@local.test>'] * (1 + n % 4), queue_id=queue_id)
        tap.eq(answer.smtp(), 5 if infected else 2, 'message %d: %s' % (n, answer))
        deleted = [e for e in answer.edits if e[0] == milter.CHGHEADER]
        tap.eq(len(deleted), 0 if infected else len(forged), 'fields removed from message %d' % n)
        line = daemon().line(queue_id)
        tap.eq((line['from'], line['nrcpt']), (who, str(1 + n % 4)), 'log line of message %d' % n)
        tap.eq('X-Virus-Status' in answer.inserted(), not infected)
        if not infected:
            tap.eq(answer.inserted()['X-Virus-Status'], ['Clean'])
    m.quit()


@tap.test('disconnect in every state')
def disconnect():
    for last in range(len(STEPS) + 2):
        for eom in (False, True):
            m = Milter(daemon().address, negotiate=last > 0)
            for _, step in STEPS[:max(0, last - 1)]:
                step(m)
            if eom and last > 2:
                m.send('E')
            m.close()
    still_right()


@tap.test('ABORT in every state, twice, and without a message; the connection goes on')
def abort():
    m = fresh()
    m.abort()
    m.abort()
    for last in range(2, len(STEPS)):
        for _, step in STEPS[2:last + 1]:
            step(m)
        m.abort()
        m.abort()
        tap.ok(m.quiet(0.01), 'ABORT was answered')
    still_right(m, ' after ABORT')
    m.quit()


@tap.test('an aborted infected message leaves nothing to the clean one after it, and the other way round')
def abort_mixes():
    m = fresh()
    for first, second, want in ((mails.EICAR, BODY, 2), (BODY, mails.EICAR, 5)):
        envelope(m)
        m.header('Subject', ' one')
        m.eoh()
        m.body(first)
        m.abort()
        envelope(m)
        m.header('Subject', ' two')
        m.eoh()
        m.body(second)
        tap.eq(m.eom().smtp(), want)
    m.quit()


@tap.test('the client goes away while its message is scanned')
def gone_at_eom():
    for _ in range(30):
        m = fresh()
        envelope(m)
        m.header('Subject', ' x')
        m.eoh()
        m.body(mails.noise(200000))
        m.send('E')
        m.close()
    still_right()


@tap.test('QUIT_NC: another client on the same connection, nothing of the first is left')
def quit_nc():
    m = fresh()
    m.message(mails.clean(), sender='<one@src.test>', queue_id=next_id())
    m.quit_nc()
    m.connect('second.test', '198.51.100.9')
    m.helo('second.test')
    queue_id = next_id()
    tap.eq(m.message(mails.clean(), sender='<two@src.test>', queue_id=queue_id).smtp(), 2)
    line = daemon().line(queue_id)
    tap.eq((line['client'], line['from']), ('second.test[198.51.100.9]', '<two@src.test>'))
    still_right(m)
    m.quit()


@tap.test('commands out of order: nothing unscanned is accepted, the next client is served')
def out_of_order():
    orders = ('E', 'BE', 'LE', 'NE', 'RE', 'TE', 'MBE', 'MNLBE', 'NBLE', 'RMTLNBE', 'MRLNBLE', 'MME', 'MRMRTLNBE', 'BBBE',
              'MRTLNBENBE', 'HMRTLNBE', 'CHMRTLNBE', 'KE', 'KMRTLNBE', 'ABE', 'MRTABE', 'OMRTLNBE')
    what = {'B': mails.EICAR + b'\r\n', 'L': b'Subject\0 x\0', 'M': b'<a@src.test>\0', 'R': b'<b@src.test>\0', 'H': b'h\0',
            'C': b'h\0' b'4\0\x19192.0.2.1\0', 'O': struct.pack('>III', 6, 0x1ff, 0x1fffff)}
    wrong = []

    def one(order):
        m = fresh(timeout=2 * rig.SLOW)
        infected = 'B' in order
        try:
            for letter in order:
                if letter == 'O':
                    m.optneg()
                elif letter != 'E':
                    m.step(letter, what.get(letter, b''))
                else:
                    m.send('E')
                    m.sock.settimeout(0.5 * rig.SLOW)
                    answer = m.answer()
                    if infected and answer.smtp() == 2:
                        wrong.append('%s: an infected body was accepted: %s' % (order, answer))
        except (Closed, socket.timeout, BrokenPipeError, ConnectionResetError):
            pass
        m.close()
        done.append(order)
    # side by side: what they do is wait for answers that may not come
    done = []
    threads = [threading.Thread(target=one, args=(order,)) for order in orders]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    tap.eq(wrong, [])
    tap.eq(sorted(done), sorted(orders), 'orders that were tried')
    still_right()


@tap.test('1-byte chunks, and the last chunk inside the end of message')
def chunks():
    for body, want in ((BODY * 50, 2), (BODY + mails.EICAR + b'\r\n', 5)):
        m = fresh()
        envelope(m)
        m.header('Subject', ' chunks')
        m.eoh()
        tap.eq((m.body(body, chunk=1), m.eom().smtp()), (None, want))
        envelope(m)
        m.header('Subject', ' at the end')
        m.eoh()
        tap.eq(m.eom(body).smtp(), want, 'all of the body in the end of message')
        m.quit()


@tap.test('the pattern across a chunk border')
def across():
    message = mails.join(mails.headers('across'), b'x' * 70 + b'\r\n' + mails.EICAR + b'\r\n')
    for chunk in (80, 100, 120):
        m = fresh()
        tap.eq(m.message(message, queue_id=next_id(), chunk=chunk).smtp(), 5, 'chunks of %d' % chunk)
        m.quit()


@tap.test('100 000 header fields: bounded memory, unscannable, not accepted')
def header_flood():
    d = daemon()
    before = d.memory('RssAnon', 'RssShmem')
    m = fresh()
    envelope(m)
    one = packet('L', b'X-Flood\0 ' + b'v' * 20 + b'\0')
    for _ in range(FLOOD // 1000):
        m.raw(one * 1000)
    m.eoh()
    m.body(BODY)
    answer = m.eom()
    tap.ok(answer.smtp() != 2, 'accepted: %s' % answer)
    line = d.line(m.queue_id)
    tap.eq(line['verdict'], 'unscannable', 'log line %s' % line)
    tap.ok(line.get('why'), 'no why= in %s' % line)
    if not rig.SAN:
        grown = settled(lambda: d.memory('RssAnon', 'RssShmem')) - before
        tap.ok(grown < 16384, 'the front grew by %d KiB' % grown)
    still_right(m)
    m.quit()


@tap.test('EICAR behind a flood of header fields is not accepted')
def flood_infected():
    m = fresh()
    envelope(m)
    m.raw(packet('L', b'X-Flood\0 ' + b'v' * 60000 + b'\0') * 20)
    m.eoh()
    m.body(mails.EICAR)
    tap.ok(m.eom().smtp() != 2, 'accepted')
    m.quit()


@tap.test('NUL bytes and every other byte in header and body')
def nul_bytes():
    every = bytes(range(256))
    for body, want in ((every * 20, 2), (every + mails.EICAR + every, 5), (b'\0' * 5000 + mails.EICAR, 5)):
        m = fresh()
        envelope(m)
        m.header('X-Bytes', b' a\0b' + every.replace(b'\n', b''))
        m.header('Subject', b' caf\xc3\xa9 \xff\xfe')
        m.eoh()
        m.body(body)
        tap.eq(m.eom().smtp(), want)
        m.quit()


@tap.test('bytes of the envelope do not break the log line')
def tainted_envelope():
    m = Milter(daemon().address)
    m.connect('ho"st\\.test\n verdict=clean', '192.0.2.7')
    m.helo('he\x01lo"')
    queue_id = next_id()
    tap.eq(m.message(mails.clean('x" verdict=infected'), sender='<"a\n b" @\xff>'.encode('latin-1'), rcpts=[b'<"c\r\n\t d"@local.test>'],
                     queue_id=queue_id).smtp(), 2)
    line = daemon().line(queue_id)
    tap.eq(line['verdict'], 'clean')
    for c in line['from'] + line['to'] + line['client']:
        tap.ok(' ' <= c <= '~', 'byte %r in the log line' % c)
    m.quit()


@tap.test('no header, no body, neither; without an end of header libmilter gives no answer, certainly not "accept"')
def nothing_there():
    for steps in ('N', 'LN', 'LNB', 'NB', '', 'L', 'B', 'LB'):
        m = fresh()
        envelope(m)
        for letter in steps:
            m.step(letter, {'L': b'Subject\0 x\0', 'B': BODY}.get(letter, b''))
        if 'N' in steps:
            tap.eq(m.eom().smtp(), 2, 'message of %r' % steps)
            still_right(m)
        else:
            m.send('E')
            tap.ok(m.quiet(0.2) or m.closed(1), 'message of %r was answered' % steps)
        m.close()
    still_right()


@tap.test('10 000 recipients and addresses of 10 kB')
def envelope_flood():
    m = fresh()
    m.mail('<%s@src.test>' % ('a' * 10000))
    m.raw(b''.join(packet('R', b'<r%d@%s.test>\0' % (n, b'd' * 50)) for n in range(10000)))
    m.rcpt('<%s@local.test>' % ('b' * 10000))
    m.data(next_id())
    m.header('Subject', ' x')
    m.eoh()
    m.body(BODY)
    tap.eq(m.eom().smtp(), 2)
    line = daemon().line(m.queue_id)
    tap.eq(line['nrcpt'], '10001')
    tap.ok(len(line['from']) < 2000 and len(line['to']) < 4000, 'the log line is not bounded')
    still_right(m)
    m.quit()


@tap.test('OPTNEG of other versions: an old MTA is answered step by step, nonsense is refused, never served unscanned')
def versions():
    for version, actions, steps in ((2, 0x3f, 0x7f), (4, 0x3f, 0x3ff), (6, 0x1ff, 0), (6, 0, 0x1fffff), (6, 1, 0x1fffff),
                                    (0, 0, 0), (1, 0x1ff, 0x1fffff), (7, 0xffffffff, 0xffffffff), (99, 0x1ff, 0x1fffff)):
        m = Milter(daemon().address, negotiate=False, timeout=10 * rig.SLOW)
        try:
            m.optneg(version, actions, steps)
            tap.eq((m.actions & ~actions, m.steps & ~steps), (0, 0), 'asked for more than was offered at version %d' % version)
            m.connect()
            m.helo()
            answer = m.message(mails.eicar_base64(), queue_id=next_id())
            tap.ok(answer.smtp() != 2, 'version %d: an infected message was accepted' % version)
            answer = m.message(mails.clean(), queue_id=next_id())
            if (version, actions) in ((6, 0x1ff), (4, 0x3f)):
                tap.eq(answer.smtp(), 2, 'clean message at version %d, steps %#x: %s' % (version, steps, answer))
        except Closed:
            tap.ok(version not in (4, 6) or actions in (0, 1), 'version %d, actions %#x was refused' % (version, actions))
        m.close()
    still_right()


@tap.test('garbage: lengths 0 and 4 GB, cut packets, unknown commands, strings without end')
def garbage():
    hello = packet('O', struct.pack('>III', 6, 0x1ff, 0x1fffff))
    cases = (b'\0\0\0\0', b'\xff\xff\xff\xffM', struct.pack('>I', 1 << 30) + b'B' * 1000, b'\0', b'\0\0\0', b'\0\0\0\x05M',
             b'GET / HTTP/1.0\r\n\r\n', packet('O', b''), packet('O', b'\0\0'), packet('Z'), packet('\0'), packet('\xff', b'xx'),
             packet('C', b''), packet('C', b'host'), packet('C', b'h\0' b'4'), packet('C', b'h\0' b'X\0\0'), packet('M', b''),
             packet('M', b'noend'), packet('L', b''), packet('L', b'nameonly'), packet('L', b'a\0b'), packet('L', b'\0\0'),
             packet('D', b''), packet('D', b'M'), packet('D', b'Mi'), packet('D', b'Mi\0'), packet('D', b'\0\0\0'), packet('U', b''),
             packet('R', b'\0\0\0'), packet('H', b''), packet('B', b'') * 100, mails.noise(5000))
    for bad in cases:
        for start in (b'', hello):
            s = Milter(daemon().address, negotiate=False)
            try:
                s.raw(start + bad)
                s.raw(packet('E'))
            except OSError:
                pass
            s.close()
    still_right()


@tap.test('a length of 4 GB costs no memory and the connection is closed')
def long_packet():
    m = fresh()
    before = daemon().memory('RssAnon')
    m.raw(b'\xff\xff\xff\xffB' + b'x' * 100)
    tap.ok(m.closed(10 * rig.SLOW), 'the connection stays open')
    tap.ok(daemon().memory('RssAnon') - before < 8192, 'memory grew')
    m.close()
    still_right()


@tap.test('a slow client (one byte at a time) holds nobody else up')
def slow_loris():
    message = b''.join([packet('O', struct.pack('>III', 6, 0x1ff, 0x1fffff)),
                        packet('C', b'h.test\0' b'4\0\x19192.0.2.1\0'), packet('M', b'<a@src.test>\0')])
    slow = [Milter(daemon().address, negotiate=False) for _ in range(20)]
    stop = threading.Event()

    def drip():
        for byte in message:
            for s in slow:
                try:
                    s.raw(bytes([byte]))
                except OSError:
                    pass
            if stop.wait(0.03):
                return
    thread = threading.Thread(target=drip)
    thread.start()
    start = time.monotonic()
    still_right()
    took = time.monotonic() - start
    stop.set()
    thread.join()
    for s in slow:
        s.close()
    tap.ok(took < 2 * rig.SLOW, 'two messages beside slow clients took %.1f s' % took)


@tap.test('500 idle connections: a message beside them is answered at once')
def idle():
    held = [fresh() for _ in range(500)]
    start = time.monotonic()
    still_right()
    took = time.monotonic() - start
    tap.ok(took < 2 * rig.SLOW, 'two messages took %.1f s' % took)
    tap.eq(held[250].message(mails.eicar_plain(), queue_id=next_id()).smtp(), 5)
    for m in held:
        m.close()


@tap.test('a client by IPv6, by a local program, without an address')
def addresses():
    for data, want in ((b'h.test\0' b'6\0\x19IPv6:2001:db8::7\0', '2001:db8::7'), (b'h.test\0' b'6\0\x192001:db8::7\0', '2001:db8::7'),
                       (b'localhost\0' b'L\0\0/tmp/sock\0', 'localhost'), (b'unknown\0' b'U', 'unknown')):
        m = Milter(daemon().address)
        m.step('C', data)
        m.helo()
        answer = m.message(mails.clean(), queue_id=next_id())
        tap.eq(answer.smtp(), 2, repr(data))
        tap.has(daemon().line(m.queue_id)['client'], want)
        m.quit()


@tap.test('a scan that takes long: progress at least every 8 s, 451 at the deadline, others negotiate meanwhile')
def long_scan():
    d = Daemon('slow')
    d.args = ['--test-engines']
    d.sections['antivirus']['message_time_max'] = '12s'
    d.more_engines = '\tfault "slow" { engine = "clamav" every = 1 mode = "timeout" timeout = 12s }\n'
    D.insert(0, d.start())
    m = [fresh() for _ in range(12)]
    answers = []

    def one(c):
        answers.append(c.message(mails.clean(), queue_id=next_id()))
    threads = [threading.Thread(target=one, args=(c,)) for c in m]
    for t in threads:
        t.start()
    time.sleep(1)
    start = time.monotonic()
    others = [fresh() for _ in range(12)]
    took = time.monotonic() - start
    for t in threads:
        t.join()
    for c in others:
        c.close()
    tap.eq([a.smtp() for a in answers], [4] * len(m), 'answers %s' % answers)
    for a in answers:
        tap.ok(11 < a.seconds < 21 * rig.SLOW, 'answered after %.1f s' % a.seconds)
        tap.ok(a.progress >= 1, 'no progress in %.1f s' % a.seconds)
    tap.ok(took < 2 * rig.SLOW, '12 new connections took %.1f s while 12 messages were being scanned' % took)
    D.pop(0).stop()


@tap.test('no descriptor of all this is left')
def nothing_left():
    d = daemon()
    milter.talk(d.address, mails.clean(), next_id())
    mine = [x for x in settled(d.descriptors) if 'socket' in x or 'memfd' in x]
    tap.ok(len(mine) < 40, 'descriptors: %s' % mine)


tap.main()
