#!/usr/bin/python3
"""Mail through a real Postfix: for each kind the SMTP answer, the queue, the delivered header and the log line"""
# run: timeout=180 san=address,thread
import email
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, postfix, rig, smtp, tap
from lib.avmilter import Daemon, q

SCANNED = re.compile(r'avmilter \S+ \(clamav [^()]+\) at \S+$')
REFUSED = re.compile(r'5\.7\.1 Message rejected: infected content found \(ref [A-Z2-7a-z]{10}\)$')
LATER = re.compile(r'4\.7\.1 .*\(ref [A-Z2-7a-z]{10}\)$')
PAIRS = {}
DEFAULT = 'default'


def pair(name=DEFAULT, port=2500, args=(), **antivirus):
    """avmilter and a Postfix that uses it, started once for each name."""
    if name not in PAIRS:
        d = Daemon('av-' + name)
        d.args = list(args)
        for key, value in antivirus.items():
            if key == 'engines':
                d.more_engines = value
            elif key == 'quarantine':
                d.sections['quarantine'] = value
            else:
                d.sections['antivirus'][key] = value
        pf = postfix.Postfix(d.postfix, name='pf-' + name, port=port)
        PAIRS[name] = d, pf
        d.start()
        pf.start()
    return PAIRS[name]


@tap.on_failure
def logs():
    return '\n'.join(rig.tail(d.output, 30) + rig.tail(pf.log, 30) for d, pf in PAIRS.values())


class Outcome:
    """What one mail through a pair came to."""

    def __init__(self, pair, deliver):
        self.daemon, self.pf = pair
        before = len(self.daemon.lines())
        self.reply = deliver(self.pf)
        rig.wait_for(lambda: len(self.daemon.lines()) > before, 10, 'the log line of the message')
        self.queue_id, self.line = self.daemon.lines()[before]
        rig.wait_for(lambda: self.queue_id in self.pf.logged(), 10, '%s in the mail log' % self.queue_id)


def outcome(message, pair=None, **kw):
    return Outcome(pair or globals()['pair'](), lambda pf: smtp.send(pf.port, message, **kw))


def header(mail, name):
    values = mail.get_all(name) or []
    tap.eq(len(values), 1, 'number of %s fields' % name)
    return re.sub(r'\s+', ' ', values[0])


def check_header(mail, status='Clean'):
    tap.eq(header(mail, 'X-Virus-Status'), status, 'X-Virus-Status')
    tap.ok(SCANNED.match(header(mail, 'X-Virus-Scanned')), 'X-Virus-Scanned: %s' % mail['X-Virus-Scanned'])


def delivered(pf, mark, user='u'):
    """The one delivered mail that contains the bytes."""
    found = rig.wait_for(lambda: [m for m in pf.delivered(user) if mark in m], 20, 'delivery of %r' % mark)
    tap.eq(len(found), 1, 'copies of %r' % mark)
    return email.message_from_bytes(found[0])


def check_clean(o, mark, user='u'):
    tap.eq(o.reply.code, 250, str(o.reply))
    tap.has(o.reply.text, o.queue_id, 'reply')
    mail = delivered(o.pf, mark, user)
    check_header(mail)
    tap.eq((o.line['verdict'], o.line['action']), ('clean', 'pass'), 'log line %s' % o.line)
    return mail


def check_refused(o):
    tap.eq(o.reply.code, 550, str(o.reply))
    tap.ok(REFUSED.match(o.reply.text), 'text of the refusal: %s' % o.reply)
    tap.eq((o.line['verdict'], o.line['action']), ('infected', 'reject'), 'log line %s' % o.line)
    tap.has(o.line['virus'], mails.EICAR_NAME, 'virus')
    tap.eq(o.line['engine'], 'clamav', 'engine')
    tap.has(o.reply.text, o.line['ref'], 'reply')
    o.pf.idle()
    tap.eq(o.pf.queue(), [], 'queue')
    for user in postfix.USERS:
        tap.ok(not any(mails.EICAR in m for m in o.pf.delivered(user)), 'an infected mail was delivered')


@tap.test('clean text')
def clean_text():
    o = outcome(mails.clean('cleantext'), sender='from@src.test')
    mail = check_clean(o, b'cleantext@src.test')
    tap.eq(mail.keys()[:2].count('Return-Path'), 1)
    line = o.line
    tap.eq(line['from'], '<from@src.test>')
    tap.eq(line['to'], '<u@local.test>')
    tap.eq(line['nrcpt'], '1')
    tap.has(line['client'], '[127.0.0.1]')
    tap.has(line['msgid'], 'cleantext@src.test')
    for key in 'size objects cache delay sigs ref'.split():
        tap.ok(key in line, '%s= is missing in %s' % (key, line))
    tap.ok(abs(int(line['size']) - len(mails.clean('cleantext'))) < 200, 'size=%s' % line['size'])
    tap.ok('virus' not in line or line['virus'] == '', 'virus= in a clean line')


@tap.test('our two fields stand at the top')
def at_the_top():
    o = outcome(mails.clean('thetop'))
    names = [n for n in check_clean(o, b'thetop@src.test').keys() if n not in ('Return-Path', 'Delivered-To', 'X-Original-To')]
    tap.eq(sorted(names[:2]), ['X-Virus-Scanned', 'X-Virus-Status'], 'first fields of %s' % names)


@tap.test('clean with attachments')
def attachments():
    o = outcome(mails.clean_attachments())
    check_clean(o, b'attachments@src.test')
    tap.ok(int(o.line['objects']) >= 4, 'objects=%s' % o.line['objects'])


@tap.test('the delivered body is what was sent')
def body_unchanged():
    body = 'Line one\r\n.dot\r\n..two\r\n\r\n From indented\r\nlast\r\n'
    o = outcome(mails.clean('samebody', body=body))
    mail = check_clean(o, b'samebody@src.test')
    tap.eq(mail.get_payload(), body.replace('\r\n', '\n'))


for name, make in (('plain', mails.eicar_plain), ('base64', mails.eicar_base64), ('a zip', mails.eicar_zip),
                   ('a zip in a zip', lambda: mails.eicar_zip(2)), ('a forwarded message', mails.eicar_forwarded),
                   ('multipart/signed, second part', mails.eicar_signed), ('8-bit text', mails.eicar_8bit)):
    def infected(make=make):
        check_refused(outcome(make()))
    tap.test('EICAR: ' + name)(infected)


@tap.test('clean 8-bit text')
def clean_8bit():
    check_clean(outcome(mails.clean_8bit()), b'8bit@src.test')


@tap.test('no MIME header fields')
def no_mime():
    check_clean(outcome(mails.no_mime_headers()), b'No From, no Date')


@tap.test('no header at all')
def no_headers():
    check_clean(outcome(mails.no_headers()), b'A body without any header')


@tap.test('empty body')
def empty_body():
    check_clean(outcome(mails.empty_body()), b'empty@src.test')


@tap.test('20 MB, clean and infected')
def twenty_megabytes():
    message = mails.big(20000000)
    o = outcome(message)
    check_clean(o, message[message.index(b'Message-ID: '):].split(b'\r\n')[0])
    tap.ok(int(o.line['size']) > 19000000, 'size=%s' % o.line['size'])
    check_refused(outcome(mails.big(20000000, infected=True)))


@tap.test('two recipients')
def two_recipients():
    o = outcome(mails.clean('pairof'), rcpts=['u@local.test', 'v@local.test'])
    check_clean(o, b'pairof@src.test')
    check_clean(o, b'pairof@src.test', 'v')
    tap.eq(o.line['nrcpt'], '2')
    check_refused(outcome(mails.eicar_base64(), rcpts=['u@local.test', 'v@local.test']))


@tap.test('pipelined messages with different verdicts on one connection')
def pipelined():
    d, pf = pair()
    before = len(d.lines())
    client = smtp.Client(pf.port)
    replies = client.pipeline([mails.clean('pipe1'), mails.eicar_base64(), mails.clean('pipe2'), mails.eicar_plain(),
                               mails.clean('pipe3')])
    client.quit()
    tap.eq([r.code for r in replies], [250, 550, 250, 550, 250], 'replies')
    rig.wait_for(lambda: len(d.lines()) == before + 5, 10, 'five log lines')
    lines = d.lines()[before:]
    tap.eq([l['verdict'] for _, l in lines], ['clean', 'infected', 'clean', 'infected', 'clean'], 'verdicts')
    tap.eq(len({i for i, _ in lines}), 5, 'distinct queue ids')
    tap.eq(len({l['ref'] for _, l in lines}), 5, 'distinct refs')
    for n in (1, 2, 3):
        check_header(pf.find('pipe%d@src.test' % n))


@tap.test('a mail that was given up (RSET) leaves nothing to the next one')
def reset():
    d, pf = pair()
    before = len(d.lines())
    client = smtp.Client(pf.port)
    client.cmd('MAIL FROM:<gone@src.test>')
    client.cmd('RCPT TO:<v@local.test>')
    tap.eq(client.cmd('RSET').code, 250)
    tap.eq(client.send(mails.clean('afterreset')).code, 250)
    client.quit()
    pf.find('afterreset@src.test')
    tap.eq([l['from'] for _, l in d.lines()[before:]], ['<a@src.test>'], 'senders in the log')


@tap.test('authenticated by XCLIENT, far client')
def xclient():
    o = outcome(mails.clean('xauth'), ADDR='192.0.2.7', NAME='far.example', LOGIN='carol')
    check_clean(o, b'xauth@src.test')
    tap.eq(o.line['client'], 'far.example[192.0.2.7]')
    tap.eq(o.line['auth'], 'carol')


@tap.test('authenticated by SASL on the submission port')
def sasl():
    def deliver(pf):
        smtp.AuthServer(pf.auth_port, {'alice': 'secret'})
        client = smtp.Client(pf.submission_port)
        tap.eq(client.auth('alice', 'secret').code, 235)
        reply = client.send(mails.clean('sasl'))
        client.quit()
        return reply
    o = Outcome(pair(), deliver)
    check_clean(o, b'sasl@src.test')
    tap.eq(o.line['auth'], 'alice')


@tap.test('local submission (non_smtpd_milters): clean is delivered, infected is not')
def local():
    d, pf = pair()
    before = len(d.lines())
    pf.submit(mails.clean('localsub'))
    check_header(pf.find('localsub@src.test'))
    pf.submit(mails.eicar_base64())
    rig.wait_for(lambda: len(d.lines()) >= before + 2, 10, 'two log lines')
    (_, clean), (_, infected) = d.lines()[before:before + 2]
    tap.has(clean['from'], 'me@src.test')
    tap.eq((clean['verdict'], infected['verdict'], infected['action']), ('clean', 'infected', 'reject'))
    pf.idle()
    tap.ok(not any(b'base64@src.test' in m for m in pf.delivered()), 'an infected mail was delivered')


@tap.test('forged X-Virus fields of the sender are gone, in every spelling')
def forged():
    extra = ['X-Virus-Status: Clean', 'x-virus-status: Clean', 'X-VIRUS-STATUS : Clean', 'X-Virus-Scanned: somebody\r\n\telse',
             'X-Other: kept', 'X-Virus-Status: Clean\r\n (really)', 'X-virus-scanned:'] + ['X-Virus-Status: c%d' % n for n in range(43)]
    o = outcome(mails.clean('forged', extra))
    mail = check_clean(o, b'forged@src.test')
    tap.eq(mail['X-Other'], 'kept')
    tap.eq([k for k in mail.keys() if k.lower().startswith('x-virus')], [k for k in mail.keys() if k in ('X-Virus-Scanned', 'X-Virus-Status')])


@tap.test('bytes of the mail do not break the log line')
def log_escape():
    o = outcome(mails.clean('logesc', ['X-Mailer: "; verdict=clean']), sender='"x y"@src.test')
    check_clean(o, b'logesc@src.test')
    raw = [l for l in o.daemon.logged().split('\n') if o.queue_id + ': verdict=' in l]
    tap.eq(len(raw), 1, 'lines')


@tap.test('action pass: delivered, marked')
def passed():
    o = outcome(mails.eicar_base64(), pair('pass', 2520, on_infected=q('pass')))
    tap.eq(o.reply.code, 250, str(o.reply))
    mail = delivered(o.pf, b'base64@src.test')
    tap.ok(re.match(r'Infected \(.*%s.*\)$' % mails.EICAR_NAME, header(mail, 'X-Virus-Status')), mail['X-Virus-Status'])
    tap.eq((o.line['verdict'], o.line['action']), ('infected', 'pass'))


@tap.test('action quarantine with mta_hold: held, marked, released by postsuper -H without another scan')
def held():
    o = outcome(mails.eicar_base64(), pair('hold', 2540, on_infected=q('quarantine'), quarantine={'mta_hold': 'true'}))
    tap.eq(o.reply.code, 250, str(o.reply))
    o.pf.idle()
    tap.eq(o.pf.held(), [o.queue_id], 'held')
    tap.eq((o.line['verdict'], o.line['action']), ('infected', 'quarantine'))
    tap.eq(o.pf.delivered(), [], 'delivered')
    tap.has(o.daemon.logged(), 'postsuper -H ' + o.queue_id, 'log')
    before = len(o.daemon.lines())
    o.pf.release(o.queue_id)
    tap.has(header(delivered(o.pf, b'base64@src.test'), 'X-Virus-Status'), 'Infected')
    tap.eq(len(o.daemon.lines()), before, 'log lines after the release')
    clean = outcome(mails.clean('nothold'), PAIRS['hold'])
    check_clean(clean, b'nothold@src.test')


@tap.test('action discard: accepted, gone')
def discarded():
    o = outcome(mails.eicar_base64(), pair('discard', 2560, on_infected=q('discard')))
    tap.eq(o.reply.code, 250, str(o.reply))
    o.pf.idle()
    tap.eq((o.pf.queue(), o.pf.delivered()), ([], []))
    tap.eq((o.line['verdict'], o.line['action']), ('infected', 'discard'))
    check_clean(outcome(mails.clean('notgone'), PAIRS['discard']), b'notgone@src.test')


@tap.test('action tempfail: 451, nothing kept')
def tempfailed():
    o = outcome(mails.eicar_base64(), pair('later', 2580, on_infected=q('tempfail')))
    tap.eq(o.reply.code, 451, str(o.reply))
    tap.has(o.reply.text, '4.7.1', 'reply')
    o.pf.idle()
    tap.eq((o.pf.queue(), o.pf.delivered()), ([], []))
    tap.eq((o.line['verdict'], o.line['action']), ('infected', 'tempfail'))


@tap.test('an engine that fails: 451 with the reference, the reason in the log; infected is still refused')
def broken_engine():
    engines = '\tfault "broken" { engine = "clamav" every = 1 mode = "fail" }\n'
    both = pair('broken', 2600, ['--test-engines'], engines=engines)
    o = outcome(mails.clean('nevermind'), both)
    tap.eq(o.reply.code, 451, str(o.reply))
    tap.ok(LATER.match(o.reply.text), str(o.reply))
    tap.eq((o.line['verdict'], o.line['action']), ('error', 'tempfail'))
    tap.ok(o.line.get('why'), 'no why= in %s' % o.line)
    o.pf.idle()
    tap.eq((o.pf.queue(), o.pf.delivered()), ([], []))


tap.main()
