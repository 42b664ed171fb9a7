#!/usr/bin/python3
"""The engines of other vendors, second half: kse and avast over fake servers, command over real programs"""
# run: timeout=180 san=address,thread engines
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import avmilter, backends, fake_listener, mails, rig, tap, vendors
from lib.avmilter import q
from lib.fake_avast import AvastRest, AvastSocket
from lib.fake_kse import Kse

MB = 1 << 20
M = fake_listener.MARKERS
ERROR = (4, 'error', None, 'engine-error')
AVAST = {'virus': (5, 'infected', 'EICAR Test-NOT virus!!!'), 'heuristic': (5, 'infected', 'Win32:Evo-gen [Susp]'),
         'adware': (5, 'suspicious', 'Win32:Toolbar-X [PUP]'), 'encrypted': (2, 'encrypted', 'Archive is password protected'),
         'limit': (5, 'unscannable', None, 'limit.size'), 'corrupt': (5, 'unscannable', None, 'corrupt'),
         'skipped': (5, 'unscannable', None, 'not-scanned'), 'error': ERROR}
# kind, its server, what else stands in the section, what the marks come to
KINDS = {
    'kse': ('kse', Kse, '', {
        'virus': (5, 'infected', 'EICAR-Test-File'), 'heuristic': (5, 'infected', 'HEUR:Trojan.Script.Generic'),
        'adware': (5, 'suspicious', 'not-a-virus:AdWare.Win32.Test.a'), 'macro': (2, 'macro', 'Office-Macro'),
        'encrypted': (2, 'encrypted', 'Password-Protected'), 'corrupt': (5, 'unscannable', None, 'corrupt'),
        'skipped': (5, 'unscannable', None, 'not-scanned'), 'limit': (5, 'unscannable', None, 'not-scanned'),
        'error': ERROR, 'timeout': (4, 'error', None, 'timeout')}),
    'avast-rest': ('avast', AvastRest, 'protocol = "rest"', AVAST),
    'avast-socket': ('avast', AvastSocket, 'protocol = "socket"', AVAST),
}
tap.on_failure(vendors.logs)


def serve(name, where, tls=None):
    path = None
    if where == 'unix':
        path = rig.folder('sockets-' + name) + '/s'
        os.chmod(os.path.dirname(path), 0o777)
    return KINDS[name][1](path, tls)


def section(name, servers, more=''):
    kind, _, own, _ = KINDS[name]
    return vendors.section(kind, servers, own + ' ' + more)


def corpus(d, marked):
    vendors.expect(d, vendors.mail(), 2, 'clean')
    for mark, wanted in marked.items():
        vendors.expect(d, vendors.mail(M[mark]), *wanted, what=mark)
    vendors.expect(d, vendors.mail(M['virus'], M['second']), 5, 'infected', what='two')
    vendors.expect(d, vendors.mail(M['virus'], M['encrypted']), 5, 'infected', what='virus beside a password')
    vendors.expect(d, mails.empty_body(), 2, 'clean', what='empty body')
    vendors.expect(d, vendors.big(MB), 2, 'clean', what='1 MB')
    vendors.expect(d, vendors.big(MB, M['virus']), 5, 'infected', what='1 MB infected')


def vocabulary(name):
    for i, (where, more) in enumerate((('unix', ''), ('tcp', ''), ('tcp', 'use_files = yes'))):
        fake = serve(name, where)
        d = vendors.start('%s-%d' % (name, i), section(name, fake.address, more))
        corpus(d, KINDS[name][3])
        vendors.in_order(d, fake)
        fake.stop()


def broken(name):
    """Whatever the server does wrong: 451, and service again when it does right."""
    fake = serve(name, 'tcp')
    d = vendors.start(name + '-broken', section(name, fake.address))
    vendors.expect(d, vendors.mail(), 2, 'clean')
    for fault, at in (('cut', 0), ('cut', 1), ('cut', 12), ('cut', 25), ('long', 0), ('nul', 0), ('unknown', 0), ('drop', 0),
                      ('stall', 0)):
        fake.fault, fake.cut_at = fault, at
        got, line = vendors.send(d, vendors.mail())
        tap.eq((got, line['verdict']), (4, 'error'), '%s %d: %s' % (fault, at, line))
    fake.fault = None
    vendors.recovers(d)
    fake.fault = 'trickle'
    vendors.expect(d, vendors.mail(M['virus']), 5, 'infected', what='byte by byte')
    vendors.expect(d, vendors.mail(), 2, 'clean', what='byte by byte')
    d.stop()
    fake.stop()


def pool(name):
    """Of two servers one refuses: no mail notices."""
    servers = [serve(name, 'tcp'), serve(name, 'tcp')]
    d = vendors.start(name + '-pool', section(name, [s.address for s in servers]))
    servers[0].fault = 'drop'
    for _ in range(6):
        vendors.expect(d, vendors.mail(), 2, 'clean')
        vendors.expect(d, mails.eicar_plain(), 5, 'infected')
    tap.ok(servers[1].answers >= 12, 'the other one scanned %d' % servers[1].answers)
    d.stop()
    for s in servers:
        s.stop()


def busy(name):
    fake = serve(name, 'tcp')
    d = vendors.start(name + '-busy', section(name, fake.address))
    fake.busy = True
    got, line = vendors.send(d, mails.eicar_plain())
    tap.eq((got, line['verdict']), (4, 'error'), str(line))
    fake.busy = False
    vendors.recovers(d)
    fake.license = False
    rig.wait_for(lambda: vendors.send(d, vendors.mail())[0] == 4, 75, 'no licence', every=0.2) if name != 'kse' else None
    d.stop()
    fake.stop()


def dry(name):
    fake = serve(name, 'tcp')
    vendors.dry_run(name + '-t', section(name, fake.address))
    tap.eq(fake.problems, [])
    fake.stop()


def register(name):
    for what, fn in (('what the server says becomes what the MTA hears', vocabulary),
                     ('a server that misbehaves is 451, never clean', broken),
                     ('one of two servers fails and no mail notices', pool), ('busy is 451 and passes', busy),
                     ('avmilter -t', dry)):
        tap.test('%s: %s' % (name, what))(lambda: fn(name))


for each in KINDS:
    register(each)


@tap.test('kse, avast: HTTPS, the certificate and its name are checked')
def https():
    cert, key = backends.certificate('scanner.test')
    for name in ('kse', 'avast-rest'):
        fake = serve(name, 'tcp', (cert, key))
        secure = 'use_https = yes tls_ca = "%s"' % cert
        d = vendors.start(name + '-https', section(name, 'https://' + fake.address, secure + ' tls_name = "scanner.test"'))
        vendors.expect(d, vendors.mail(), 2, 'clean')
        vendors.expect(d, mails.eicar_plain(), 5, 'infected')
        vendors.expect(d, vendors.big(MB, M['virus']), 5, 'infected')
        vendors.in_order(d, fake)
        d = vendors.start(name + '-https-wrong', section(name, fake.address, secure + ' tls_name = "other.test"'))
        vendors.expect(d, vendors.mail(), 4, 'error', why='unreachable')
        d.stop()
        fake.stop()


@tap.test('kse: definitions, an expired licence, a token, a mail that is too large, an answer in the middle of the upload')
def kse_more():
    fake = serve('kse', 'tcp')
    fake.token, fake.max_size, fake.keep_alive = 'secret', 4 * MB, True
    token = rig.folder('kse-token') + '/token'
    rig.write(token, 'secret\n')
    os.chmod(token, 0o644)
    d = vendors.start('kse-token', section('kse', fake.address, 'token_file = "%s"' % token))
    rig.wait_for(lambda: vendors.send(d, vendors.mail())[1].get('sigs') == '20140209.1503', 10, 'the definitions')
    vendors.expect(d, vendors.big(6 * MB, M['virus']), 5, 'unscannable', why='too-large')
    fake.fault, fake.max_size = 'early', 100 * MB
    vendors.expect(d, vendors.big(20 * MB), 4, 'error', why='protocol')
    fake.fault = None
    vendors.in_order(d, fake)
    fake.token = 'another'
    d = vendors.start('kse-refused', section('kse', fake.address, 'token_file = "%s"' % token))
    vendors.expect(d, vendors.mail(), 4, 'error', why='refused')
    d.stop()
    fake.token, fake.license = None, False
    d = vendors.start('kse-license', section('kse', fake.address))
    d.wait_log(r'err: .*licence has expired')
    vendors.expect(d, vendors.mail(), 4, 'error')
    d.stop()
    vendors.checked('kse-n', section('kse', fake.address, 'token_file = "/nonexistent"'), 'token_file')
    fake.stop()


@tap.test('avast: warnings_as_threat, parameters, definitions of the socket, a file it may not read')
def avast_more():
    fake = serve('avast-rest', 'tcp')
    d = vendors.start('avast-threat', section('avast-rest', fake.address, 'warnings_as_threat = yes parameter { pup = "false" }'))
    vendors.expect(d, vendors.mail(M['limit']), 5, 'infected', 'The file is a decompression bomb')
    vendors.expect(d, vendors.mail(M['adware']), 2, 'clean')
    tap.ok(all('heuristics=80' in target and 'email=true' in target for target, _ in fake.requests), str(fake.requests)[:300])
    fake.license = False
    vendors.expect(d, vendors.mail(), 4, 'error', why='no-license')
    vendors.in_order(d, fake)
    fake.stop()
    fake = serve('avast-socket', 'unix')
    d = vendors.start('avast-vps', vendors.section('avast', fake.address))      # auto: a unix socket
    rig.wait_for(lambda: vendors.send(d, vendors.mail())[1].get('sigs') == '26010100', 10, 'the definitions')
    fake.permission = False
    vendors.expect(d, vendors.mail(), 4, 'error', why='refused')
    fake.permission, fake.license = True, False
    vendors.expect(d, vendors.mail(), 4, 'error', why='no-license')
    vendors.in_order(d, fake)
    fake.stop()


def command(argv, more=''):
    return '\tcommand "e" { argv = {%s} %s }\n' % (', '.join(q(a) for a in argv), more)


def script(name, text):
    path = rig.folder('programs') + '/' + name
    os.chmod(os.path.dirname(path), 0o755)
    rig.write(path, '#!/bin/sh\n' + text + '\n')
    os.chmod(path, 0o755)
    return path


@tap.test('command: clamscan, names by regex; without its signatures it is 451')
def clamscan():
    argv = ['/usr/bin/clamscan', '--no-summary', '-d', avmilter.database('clamd-db'), '%{path}']
    d = vendors.start('clamscan', command(argv, "name_regex = ': (\\S+) FOUND$'"))
    vendors.expect(d, mails.clean(), 2, 'clean')
    got, line = vendors.send(d, mails.eicar_plain())
    tap.eq((got, line['verdict'], line['engine']), (5, 'infected', 'e'), str(line))
    tap.ok('unknown' not in line['virus'] and 'FOUND' not in line['virus'], line['virus'])
    tap.eq(vendors.send(d, mails.eicar_zip())[0], 5, 'zip')
    tap.eq(os.listdir(d.files), [], 'files left')
    tap.eq(d.stop(), 0)
    d = vendors.start('clamscan-bare', command(argv[:3] + ['/nonexistent', '%{path}']))
    vendors.expect(d, mails.eicar_plain(), 4, 'error', why='engine-error')
    d.stop()


@tap.test('command: parts of one mail at the same time, each its own program')
def parts():
    path = script('parts', 'grep -q AVMILTER-TEST "$1" && exit 1; sleep 0.5; exit 0')
    d = vendors.daemon('parts', command([path, '%{path}'], 'mime_decompose = yes scan_whole = no pool = "p"'), mime_decompose='true')
    d.more += 'threadpool "p" { size = 8 }\n'
    d.start(ready=False)
    rig.wait_for(d.workers, 20, 'a worker')
    tap.eq(vendors.send(d, mails.multipart([mails.part(b'hello %d' % i, 'application/octet-stream', 'a%d' % i)
                                            for i in range(6)]))[0], 2)
    d.stop()


@tap.test('command: time over, a signal, an unlisted code are 451; nothing stays behind')
def failures():
    for name, text, why in (('sleeps', 'sleep 4711 & sleep 4711', 'timeout'), ('dies', 'kill -SEGV $$', 'engine-error'),
                            ('code', 'exit 2', 'engine-error'), ('loud', 'exec yes', 'timeout')):
        d = vendors.start('command-' + name, command([script(name, text), '%{path}'], 'timeout = 700ms'))
        vendors.expect(d, mails.eicar_plain(), 4, 'error', why=why, what=name)
        tap.eq(os.listdir(d.files), [], 'files left')
        d.stop()
    rig.wait_for(lambda: not rig.run(['pgrep', '-f', 'sleep 4711'])[1], 5, 'the sleepers to be gone')


@tap.test('max_concurrency and threadpools: no more at a time; a crowd is told, ten times queue_max is 451')
def crowds():
    folder = rig.folder('crowd-files')
    os.chmod(folder, 0o777)
    path = script('crowd', ': > {0}/$$; set -- {0}/*; sleep 0.2; rm {0}/$$; test $# -le 1'.format(folder))
    d = vendors.daemon('crowd', command([path, '%{path}'], 'infected_exit = {9} pool = "p" timeout = 20s'))
    d.more += 'threadpool "p" { size = 1 queue_max = 1 }\n'
    d.start(ready=False)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(vendors.send(d, mails.clean()))) for _ in range(15)]
    for t in threads:
        t.start()
        time.sleep(0.01)
    for t in threads:
        t.join()
    got = sorted(a for a, _ in answers)
    tap.eq(set(got), {2, 4}, str(got))
    tap.ok(got.count(2) >= 11, str(got))
    tap.eq({line['why'] for a, line in answers if a == 4}, {'busy'})
    d.wait_log(r'threadpool p: \d+ requests wait for 1 places \(queue_max 1\)')
    d.stop()


@tap.test('avmilter -n refuses a program that is none, and names in arguments')
def refused():
    for what, argv, wanted in (('none', ['/nonexistent', '%{path}'], 'is no program'), ('path', ['/bin/true'], '%{path} is missing'),
                               ('inside', ['/bin/true', '--file=%{path}'], 'an argument of its own')):
        vendors.checked('command-n-' + what, command(argv), wanted)


if __name__ == '__main__':
    tap.main()
