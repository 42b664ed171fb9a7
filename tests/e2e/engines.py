#!/usr/bin/python3
"""Engines over the network: real clamd and c-icap, Symantec's dialect, fail-over under load, backups, TLS"""
# run: timeout=240 san=address,thread engines
import base64
import json
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import avmilter, backends, mails, milter, rig, tap
from lib.avmilter import Daemon, q
from lib.fake_symantec import Symantec
from lib.load import Load

MB = 1 << 20
# a zip with one encrypted file of 14 bytes
LOCKED = ('UEsDBBQAAQAAAAAAAFAgkrAVGgAAAA4AAAAFAAAAYS50eHTIiMK/DeOkA/QVMsztjn6d1pUM7c75x6qy7FBLAQIUABQAAQAAAAAAAFAg'
          'krAVGgAAAA4AAAAFAAAAAAAAAAAAAAAAAAAAAABhLnR4dFBLBQYAAAAAAQABADMAAAA9AAAAAAA=')
D = []
SERVERS = {}


def clamd(name='clamd', port=13310):
    """One that all tests share."""
    if name not in SERVERS:
        SERVERS[name] = backends.Clamd(name, port).start()
    return SERVERS[name]


def cicap():
    if 'cicap' not in SERVERS:
        SERVERS['cicap'] = backends.CIcap('cicap', 11344, clamd()).start()
    return SERVERS['cicap']


def daemon(name, engines, **antivirus):
    """A daemon with these engine sections and no other."""
    d = Daemon(name)
    d.clamav = None
    d.more_engines = engines
    d.sections['antivirus'].update(antivirus)
    d.sections['antivirus'].setdefault('mime_decompose', 'false')
    d.sections['antivirus'].setdefault('cache_memory', '0')         # every mail goes to the engines
    d.sections['header'] = {'report': q('X-Virus-Report')}
    D.insert(0, d)
    return d


def start(name, engines, **antivirus):
    return daemon(name, engines, **antivirus).start(ready=False)


def engine(kind, title, servers, more=''):
    return '\t%s "%s" { servers = {%s} %s }\n' % (kind, title, ', '.join(q(s) for s in servers), more)


@tap.on_failure
def logs():
    return rig.tail(D[0].output, 40) if D else ''


N = [0]


def send(d, message):
    """(class of the SMTP answer, values of the log line, header fields that were added)"""
    N[0] += 1
    queue_id = 'Q%d' % N[0]
    answer = milter.talk(d.address, message, queue_id)
    return answer.smtp(), d.line(queue_id), answer.inserted()


def plain(marker):
    return mails.clean(body='%s\r\n' % marker)


def reports(added):
    """Title and class of each X-Virus-Report."""
    return sorted(v.split(';')[0:2] for v in added['X-Virus-Report'])


CORPUS = [('clean', mails.clean, 2, 'clean'), ('eicar', mails.eicar_plain, 5, 'infected'),
          ('eicar base64', mails.eicar_base64, 5, 'infected'), ('eicar zip', mails.eicar_zip, 5, 'infected'),
          ('eicar forwarded', mails.eicar_forwarded, 5, 'infected'), ('attachments', mails.clean_attachments, 2, 'clean'),
          ('empty', mails.empty_body, 2, 'clean'), ('1 MB', lambda: mails.big(MB), 2, 'clean'),
          ('1 MB infected', lambda: mails.big(MB, infected=True), 5, 'infected')]


def corpus(d, title):
    for what, make, smtp, verdict in CORPUS:
        got, line, _ = send(d, make())
        tap.eq((got, line['verdict']), (smtp, verdict), '%s: %s' % (what, line))
        if verdict == 'infected':
            tap.eq(line['engine'], title, what)


def every_way(name, kind, servers, ways):
    for i, more in enumerate(ways):
        d = start('%s%d' % (name, i), engine(kind, 'e', servers, more))
        corpus(d, 'e')
        tap.eq(d.stop(), 0, 'exit')


@tap.test('clamd, unix socket: by descriptor, by stream, by path')
def clamd_unix():
    path = rig.folder('paths', owner='nobody', mode=0o755)
    every_way('unix', 'clamd', [clamd().unix], ['', 'pass_by = "stream"'])
    d = start('path', engine('clamd', 'e', [clamd().unix], 'pass_by = "path"'), path_directory=q(path), path_mode='0644')
    corpus(d, 'e')
    tap.eq(os.listdir(path), [], 'files left')


@tap.test('clamd, TCP: by stream; parts that were decoded by our own worker')
def clamd_tcp():
    every_way('tcp', 'clamd', [clamd().tcp], [''])
    d = daemon('parts', engine('clamd', 'e', [clamd().unix], 'scan_whole = no mime_decompose = yes'), mime_decompose='true')
    d.start(ready=False)
    rig.wait_for(d.workers, 20, 'a worker')
    corpus(d, 'e')


@tap.test('clamd: larger than its StreamMaxLength is unscannable, never clean; encrypted is told')
def clamd_limits():
    d = start('limits', engine('clamd', 'e', [clamd().tcp]))
    got, line, _ = send(d, mails.big(12 * MB))
    tap.eq((got, line['verdict'], line['why']), (5, 'unscannable', 'too-large'))
    tap.eq(send(d, mails.clean())[0], 2, 'afterwards')
    got, line, _ = send(d, mails.multipart([mails.part(base64.b64decode(LOCKED), 'application/zip', 'a.zip')]))
    tap.eq((got, line['verdict'], line['virus']), (2, 'encrypted', 'Heuristics.Encrypted.Zip'), str(line))


@tap.test('c-icap: RESPMOD and REQMOD; what its virus_scan leaves out for its size is not clean')
def c_icap():
    every_way('icap', 'icap', [cicap().url], ['service = "avscan"', 'service = "avscan" method = "reqmod"',
                                            'service = "avscan" preview = yes'])
    d = start('skips', engine('icap', 'e', [cicap().url], 'service = "virus_scan"'))
    got, line, _ = send(d, mails.big(3 * MB, infected=True))
    tap.eq((got, line['verdict']), (5, 'unscannable'), str(line))
    tap.eq(line['why'], 'not-scanned')


@tap.test('icap, Symantec: 204, 201 with a page, 403, FILEMOD; findings, categories, containers')
def symantec():
    s = Symantec()
    path = rig.folder('filemod', owner='nobody', mode=0o755)
    for response, method in ((201, 'respmod'), (403, 'respmod'), (201, 'filemod')):
        s.icap_response = response
        d = start('sse-%d-%s' % (response, method),
                  engine('icap', 'sse', ['icap://127.0.0.1:%d' % s.port], 'method = "%s"' % method), path_directory=q(path))
        for body, smtp, verdict, virus in (('nothing', 2, 'clean', None),
                                           (mails.EICAR.decode(), 5, 'infected', 'EICAR Test String'),
                                           ('AVMILTER-ADWARE', 5, 'suspicious', 'Adware.Unknown'),
                                           ('AVMILTER-CONTAINER', 5, 'unscannable', None),
                                           ('AVMILTER-LOCKED', 2, 'encrypted', 'Encrypted container violation')):
            got, line, _ = send(d, plain(body))
            tap.eq((got, line['verdict'], line.get('virus')), (smtp, verdict, virus), '%s %s %s' % (response, method, body))
        d.stop()
    tap.eq(os.listdir(path), [], 'files left')
    tap.eq(s.problems, [], 'what the server complained about')
    uris = {uri for method, uri, _ in s.requests if method == 'RESPMOD'}
    tap.ok(all(u.endswith('/SYMCScanResp-AV?action=scan') for u in uris), str(uris))


@tap.test('icap, Symantec: busy and no licence are 451, new definitions are noticed by the ISTag')
def symantec_states():
    s = Symantec()
    d = start('states', engine('icap', 'sse', ['icap://127.0.0.1:%d' % s.port], 'busy_retry_time = 200ms'))
    got, line, added = send(d, mails.clean())
    tap.eq(got, 2)
    tap.eq(line['sigs'], '20050622.017')
    s.istag, s.definitions = 'CC0209F0E11B8594E4BC3043E014D818', '20050623.001'
    rig.wait_for(lambda: send(d, mails.clean())[1]['sigs'] == '20050623.001', 10, 'the new definitions', every=0.3)
    s.busy = True
    got, line, _ = send(d, plain(mails.EICAR.decode()))
    tap.eq((got, line['verdict'], line['why']), (4, 'error', 'busy'))
    s.busy = False
    rig.wait_for(lambda: send(d, mails.clean())[0] == 2, 10, 'service again', every=0.2)
    s.license = False
    got, line, _ = send(d, mails.clean())
    tap.eq((got, line['verdict'], line['why']), (4, 'error', 'no-license'))
    d.wait_log(r'err: .*license')


@tap.test('several engines: all are asked at once, each has its line in the report; the strongest finding wins')
def several():
    s = Symantec()
    d = start('several', engine('clamd', 'c1', [clamd().unix]) + engine('icap', 'i1', [cicap().url], 'service = "avscan"') +
              engine('icap', 'sse', ['icap://127.0.0.1:%d' % s.port], 'on_suspicious = pass'))
    got, line, added = send(d, plain('AVMILTER-ADWARE'))
    tap.eq((got, line['verdict'], line['engine']), (2, 'suspicious', 'sse'))
    tap.eq(reports(added), [['c1', ' clean'], ['i1', ' clean'], ['sse', ' suspicious']])
    got, line, _ = send(d, mails.eicar_plain())
    tap.eq((got, line['verdict']), (5, 'infected'))
    _, out, err = rig.run([rig.program('avmilterctl'), '-c', d.conf, '-j', 'engines'], check=True)
    told = {e['title']: e for e in json.loads(out)['engines']}
    tap.eq([told[t]['ready'] for t in ('c1', 'i1', 'sse')], [True] * 3, out)
    server = told['sse']['servers'][0]
    tap.eq((server['state'], server['definitions'], server['served']), ('in rotation', '20050622.017', 2), out)


@tap.test('a backup is asked only where the primary failed, and its answer counts')
def backup():
    spare = Symantec()
    dead = backends.Refusing()
    d = start('backup', engine('clamd', 'main', [clamd().unix]) +
              engine('icap', 'spare', ['icap://127.0.0.1:%d' % spare.port], 'backup = yes'))
    tap.eq(send(d, mails.clean())[0], 2)
    tap.eq([r for r in spare.requests if r[0] != 'OPTIONS'], [], 'objects at the backup')
    d.stop()
    d = start('backup2', engine('clamd', 'main', ['127.0.0.1:%d' % dead.port]) +
              engine('icap', 'spare', ['icap://127.0.0.1:%d' % spare.port], 'backup = yes'))
    got, line, added = send(d, mails.clean())
    tap.eq((got, line['verdict']), (2, 'clean'), str(line))
    tap.eq(reports(added), [['main', ' error'], ['spare', ' clean']])
    tap.eq(send(d, mails.eicar_plain())[0], 5)
    spare.license = False
    tap.eq(send(d, mails.clean())[0], 4, 'nobody left')


@tap.test('TLS: certificate and name are checked, a client certificate is shown; the wrong name is 451')
def tls():
    cert, key = backends.certificate('av.test')
    ours, our_key = backends.certificate('mx.test')
    front = backends.TlsFront(cert, key, clamd().port, ca=ours)
    secure = 'tls = yes tls_ca = "%s" tls_cert = "%s" tls_key = "%s"' % (cert, ours, our_key)
    d = start('tls', engine('clamd', 'e', ['127.0.0.1:%d' % front.port], secure + ' tls_name = "av.test"'))
    corpus(d, 'e')
    tap.ok(front.accepted > 0, 'no TLS connection')
    d.stop()
    for what, wrong in (('another name', secure + ' tls_name = "other.test"'),
                        ('an address is no name', secure),
                        ('unknown signer', secure.replace(cert, ours) + ' tls_name = "av.test"'),
                        ('no certificate of ours', 'tls = yes tls_ca = "%s" tls_name = "av.test"' % cert)):
        d = start('tls-' + what.replace(' ', '-'), engine('clamd', 'e', ['127.0.0.1:%d' % front.port], wrong))
        got, line, _ = send(d, mails.clean())
        tap.eq((got, line['verdict']), (4, 'error'), what)
        d.stop()


@tap.test('fail-over under load: one killed, one hung, one that closes every connection: no 451, no wrong answer; the dead one comes back')
def fail_over():
    pool = [backends.Clamd('pool%d' % i, 13320 + i).start() for i in range(3)]
    refusing = backends.Refusing()
    d = start('pool', engine('clamd', 'e', [c.tcp for c in pool] + ['127.0.0.1:%d' % refusing.port],
                             'fail_retry_time = 2s read_write_time = 1s connect_time = 500ms timeout = 5s'))
    load = Load(d.address, '-c', 8, '-t', 8, '-p', 20, '-g', 4000)
    time.sleep(1.5)
    pool[0].kill()
    time.sleep(1)
    pool[1].freeze()
    time.sleep(3)
    pool[0].start()
    load.finish().check().only()
    tap.ok(load.total['answered'] > 200, str(load.total))
    d.wait_log('engine e: %s: back in rotation' % pool[0].tcp, 10)
    pool[1].thaw()
    d.wait_log('engine e: %s: back in rotation' % pool[1].tcp, 10)
    tap.diag('%d messages, %s' % (load.total['answered'], load.total['answers']))
    for c in pool:
        c.kill()


@tap.test('all dead: 451 only, and service by itself when they live again')
def all_dead():
    servers = [backends.Clamd('dead%d' % i, 13330 + i) for i in range(2)]
    d = start('dead', engine('clamd', 'e', [c.tcp for c in servers], 'fail_retry_time = 1s connect_time = 300ms'))
    load = Load(d.address, '-c', 4, '-n', 200, '-p', 30, '-g', 4000).finish().check()
    tap.eq(load.total['answers'], {'451': 200})
    servers[0].start()
    rig.wait_for(lambda: send(d, mails.clean())[0] == 2, 10, 'service again', every=0.2)
    tap.eq(send(d, mails.eicar_plain())[0], 5)
    servers[0].kill()


@tap.test('avmilter -t with each engine: exit 0 clean, 1 found, 2 error')
def test_option():
    s = Symantec()
    for what, text in (('clamd', engine('clamd', 'e', [clamd().unix])),
                       ('icap', engine('icap', 'e', [cicap().url], 'service = "avscan"')),
                       ('symantec', engine('icap', 'e', ['icap://127.0.0.1:%d' % s.port]))):
        d = daemon('t-' + what, text)
        d.write_conf()
        for message, status in ((mails.clean(), 0), (mails.eicar_plain(), 1)):
            got, out, err = rig.run(d.command('-t', '-'), stdin=message)
            tap.eq(got, status, out + err)
    d = daemon('t-dead', engine('clamd', 'e', ['127.0.0.1:1']))
    d.write_conf()
    got, out, err = rig.run(d.command('-t', '-'), stdin=mails.clean())
    tap.eq(got, 2, out + err)
    tap.has(out, 'engine e: 127.0.0.1:1: connect: Connection refused')


@tap.test('avmilter -n names what is wrong with servers, certificates, backups and request fields, with file and line')
def check_option():
    for what, text, wanted in (
            ('port', engine('clamd', 'e', ['h:99999']), 'the port must be a number'),
            ('ca', engine('clamd', 'e', ['h:1'], 'tls = yes tls_ca = "/nonexistent"'), 'tls_ca = "/nonexistent": No such file'),
            ('backup', engine('clamd', 'e', ['h:1'], 'backup = yes'), 'there is no engine to step in for'),
            ('field', engine('icap', 'e', ['h:1'], 'request_header { X = "%{nope}" }'), '%{nope} is not known')):
        d = daemon('n-' + what, text)
        d.write_conf()
        status, out, err = rig.run(d.command('-n'))
        tap.eq(status, 78, out + err)
        tap.has(out + err, wanted)
        tap.ok(re.search(r'avmilter\.conf:\d+: (clamd|icap) "e": ', out + err), out + err)


if __name__ == '__main__':
    tap.main()
