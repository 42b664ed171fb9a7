#!/usr/bin/python3
"""The rigs themselves: both MTAs, the raw client and the load client against a filter that accepts everything"""
# run: timeout=60
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, postfix, rig, sendmail, smtp, tap

PORT = 8890


def accept(port):
    p = rig.Process([rig.tool('accept_milter'), 'inet:%d@127.0.0.1' % port], rig.WORK + '/accept.%d' % port)
    rig.wait_for(lambda: sendmail.answers(port), 10, 'the accept-everything filter')
    return p


@tap.test('Postfix: mail by SMTP, with AUTH, by XCLIENT, by the sendmail command, to a sink')
def with_postfix():
    accept(PORT)
    pf = postfix.Postfix('inet:127.0.0.1:%d' % PORT).start()
    tap.on_failure(lambda: rig.tail(pf.log))
    smtp.AuthServer(pf.auth_port, {'alice': 'secret'})
    sink = smtp.Sink(pf.sink_port)
    tap.eq(smtp.send(pf.port, mails.clean('first'), ['u@local.test', 'x@sink.test']).code, 250, 'reply')
    tap.eq(pf.find('first@src.test')['Subject'], 'first')
    rig.wait_for(lambda: sink.messages, 10, 'the mail at the sink')
    tap.has(sink.messages[0][1].decode(), 'Subject: first')
    client = smtp.Client(pf.submission_port)
    tap.eq(client.auth('alice', 'wrong').code, 535, 'AUTH')
    tap.eq(client.auth('alice', 'secret').code, 235, 'AUTH')
    tap.eq([r.code for r in client.pipeline([mails.clean('p1'), mails.clean('p2')])], [250, 250], 'pipelined')
    client.quit()
    tap.eq(smtp.send(pf.port, mails.clean('far'), ADDR='192.0.2.7', LOGIN='carol').code, 250)
    pf.submit(mails.clean('local'))
    pf.find('local@src.test')
    pf.find('p2@src.test')
    tap.eq(pf.queue(), [], 'queue')


@tap.test('Postfix: without its milter mail waits at the client')
def milter_down():
    pf = postfix.Postfix('inet:127.0.0.1:%d' % (PORT + 5), name='down', port=2600).start()
    reply = smtp.send(pf.port, mails.clean('early'))
    tap.eq(reply.code, 451, 'reply')
    pf.stop()


@tap.test('sendmail: mail by SMTP through the filter into a mailbox')
def with_sendmail():
    accept(PORT + 1)
    sm = sendmail.Sendmail('inet:%d@127.0.0.1' % (PORT + 1))
    tap.on_failure(lambda: rig.tail(sm.log))
    sm.start()
    tap.eq(smtp.send(sm.port, mails.clean('tosm')).code, 250, 'reply')
    tap.has(sm.find('tosm@src.test'), 'nothing to see here')
    sm.stop()


@tap.test('sendmail: F=T, without its milter mail waits at the client')
def sendmail_milter_down():
    sm = sendmail.Sendmail('inet:%d@127.0.0.1' % (PORT + 6), name='smdown', port=2850).start()
    tap.eq(smtp.send(sm.port, mails.clean('early')).code, 451, 'reply')
    sm.stop()


@tap.test('raw client: two messages on one connection')
def raw():
    m = milter.Milter(('127.0.0.1', PORT))
    m.connect()
    m.helo()
    for n in range(2):
        tap.eq(m.message(mails.clean_attachments(), queue_id='R%d' % n).code, milter.ACCEPT, 'answer')
    tap.ok(m.quiet(), 'something came after the answer')
    m.quit()


@tap.test('load client: 2000 messages on 8 connections, one answer each, infected ones not refused are told')
def load():
    argv = [rig.tool('mload'), '-s', '127.0.0.1:%d' % PORT, '-c', '8', '-n', '2000']
    status, out, _ = rig.run(argv)
    found = json.loads(out)
    tap.eq((status, found['answers'], found['extra'], found['lost']), (0, {'250': 2000}, 0, 0), 'clean load')
    status, out, _ = rig.run(argv + ['-p', '20', '-d', '10', '-a', '10'])
    found = json.loads(out)
    tap.eq(status, 1, 'exit with infected mail accepted')
    tap.ok(found['unscanned'] > 100, 'unscanned: %s' % found)
    tap.eq(found['answered'] + found['cut'], 2000, 'all accounted for')


tap.main()
