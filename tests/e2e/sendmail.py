#!/usr/bin/python3
"""Mail through a real sendmail: accept, reject, tempfail, quarantine, discard, header fields"""
# run: timeout=120
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, rig, sendmail, smtp, tap
from lib.avmilter import Daemon, q

PAIRS = []
STEP = 20


def pair(name, **antivirus):
    # sendmail takes no local socket below a folder that others may write, nor one of a stranger: TCP
    d = Daemon('av-' + name, port=8900 + len(PAIRS))
    if 'hold' in antivirus:
        d.sections['quarantine'] = {'mta_hold': antivirus.pop('hold')}
    d.sections['antivirus'].update(antivirus)
    sm = sendmail.Sendmail(d.sendmail, name='sm-' + name, port=2800 + STEP * len(PAIRS))
    PAIRS.append((d, sm))
    d.start()
    sm.start()
    return d, sm


@tap.on_failure
def logs():
    return '\n'.join(rig.tail(d.output, 30) + rig.tail(sm.log, 30) for d, sm in PAIRS[-1:])


def outcome(d, sm, message, **kw):
    """(reply, queue id, log line)"""
    before = len(d.lines())
    reply = smtp.send(sm.port, message, **kw)
    rig.wait_for(lambda: len(d.lines()) > before, 10, 'the log line of the message')
    return (reply,) + d.lines()[before]


@tap.test('accept: delivered with one of each field, forged ones gone; reject: 550 with our text')
def accept_and_reject():
    d, sm = pair('default')
    reply, queue_id, line = outcome(d, sm, mails.clean('smclean', ['X-Virus-Status: forged', 'x-virus-scanned : forged']))
    tap.eq(reply.code, 250, str(reply))
    tap.has(reply.text, queue_id, 'reply')
    tap.eq((line['verdict'], line['action'], line['from']), ('clean', 'pass', '<a@src.test>'))
    mail = sm.find('smclean@src.test').split('\n\n')[0]
    tap.eq(len(re.findall(r'(?im)^x-virus-status *:', mail)), 1, 'X-Virus-Status fields in\n' + mail)
    tap.eq(len(re.findall(r'(?m)^X-Virus-Status: Clean$', mail)), 1, 'X-Virus-Status: Clean in\n' + mail)
    tap.eq(len(re.findall(r'(?m)^X-Virus-Scanned: avmilter ', mail)), 1, 'X-Virus-Scanned in\n' + mail)
    tap.ok('forged' not in mail, 'a forged field was delivered:\n' + mail)
    for message in (mails.eicar_plain(), mails.eicar_zip(), mails.eicar_8bit(), mails.eicar_forwarded()):
        reply, _, line = outcome(d, sm, message)
        tap.eq(reply.code, 550, str(reply))
        tap.has(reply.text, '5.7.1 Message rejected: infected content found (ref %s)' % line['ref'], 'reply')
        tap.eq((line['verdict'], line['action']), ('infected', 'reject'))
    reply, _, line = outcome(d, sm, mails.empty_body())
    tap.eq((reply.code, line['verdict']), (250, 'clean'), 'empty body')
    reply, _, line = outcome(d, sm, mails.clean('two'), rcpts=['u@local.test', 'v@local.test'])
    tap.eq((reply.code, line['nrcpt']), (250, '2'), 'two recipients')
    sm.find('two@src.test', 'v')


@tap.test('messages with different verdicts on one connection')
def one_connection():
    d, sm = PAIRS[0]
    client = smtp.Client(sm.port)
    codes = [client.send(m).code for m in (mails.clean('s1'), mails.eicar_plain(), mails.clean('s2'), mails.eicar_zip())]
    client.quit()
    tap.eq(codes, [250, 550, 250, 550])
    sm.find('s2@src.test')
    tap.ok(mails.EICAR.decode() not in sm.mailbox(), 'an infected mail was delivered')


@tap.test('tempfail: 451, nothing kept')
def tempfail():
    d, sm = pair('later', on_infected=q('tempfail'))
    reply, _, line = outcome(d, sm, mails.eicar_base64())
    tap.eq(reply.code, 451, str(reply))
    tap.eq((line['verdict'], line['action']), ('infected', 'tempfail'))
    tap.has(sm.run('-bp'), 'is empty', 'queue')


@tap.test('quarantine with mta_hold: kept in the queue with the reason, marked')
def quarantine():
    d, sm = pair('hold', on_infected=q('quarantine'), hold='true')
    reply, queue_id, line = outcome(d, sm, mails.eicar_base64())
    tap.eq(reply.code, 250, str(reply))
    tap.eq((line['verdict'], line['action']), ('infected', 'quarantine'))
    listing = rig.wait_for(lambda: 'QUARANTINE' in sm.quarantined() and sm.quarantined(), 10, 'the quarantined mail')
    tap.has(listing, queue_id, 'quarantine')
    tap.has(listing, mails.EICAR_NAME, 'reason of the quarantine')
    tap.eq(sm.mailbox(), '', 'mailbox')
    kept = [f for f in os.listdir(sm.dir + '/queue') if f.startswith('hf')]
    tap.eq(len(kept), 1, 'quarantined files')
    tap.has(rig.read(sm.dir + '/queue/' + kept[0]), 'X-Virus-Status: Infected', 'header of the kept mail')


@tap.test('discard: accepted, gone')
def discard():
    d, sm = pair('discard', on_infected=q('discard'))
    reply, _, line = outcome(d, sm, mails.eicar_base64())
    tap.eq(reply.code, 250, str(reply))
    tap.eq((line['verdict'], line['action']), ('infected', 'discard'))
    tap.has(sm.run('-bp'), 'is empty', 'queue')
    tap.eq(sm.mailbox(), '', 'mailbox')


@tap.test('milter gone: sendmail answers 451 (F=T)')
def gone():
    d, sm = PAIRS[0]
    d.stop()
    tap.eq(smtp.send(sm.port, mails.clean('nobody')).code, 451)


tap.main()
