#!/usr/bin/python3
"""The engines of other vendors over fake servers: savapi, sssp, fprot, klms"""
# run: timeout=180 san=address,thread engines
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import backends, fakes, mails, rig, tap, vendors
from lib.fake_fprot import Fprot
from lib.fake_klms import Klms
from lib.fake_savapi import Savapi
from lib.fake_sssp import Sssp

MB = 1 << 20
M = fakes.MARKERS


class Kind:
    """What is to be known about an engine: its fake, what else stands in its section, and what each marker comes to.
    A marker that is missing is one for which the protocol has no word."""

    def __init__(self, name, fake, marked, more='', unix_only=False):
        self.name, self.fake, self.marked, self.more, self.unix_only = name, fake, marked, more, unix_only

    def serve(self, where, **tls):
        path = rig.folder('sockets-' + self.name) + '/' + where if where == 'unix' or self.unix_only else None
        if path:
            os.chmod(os.path.dirname(path), 0o777)
        return self.fake(path, **tls)

    def section(self, servers, more=''):
        return vendors.section(self.name, servers, self.more + ' ' + more)


ERROR = (4, 'error', None, 'engine-error')
KINDS = [
    Kind('savapi', Savapi, {
        'found': (5, 'infected', 'Eicar-Test-Signature'), 'adware': (5, 'suspicious', 'ADWARE/Unknown'),
        'heuristic': (5, 'infected', 'HEUR/Suspect'), 'macro': (2, 'macro', 'Office macro'), 'archive': (2, 'clean'),
        'timeout': (5, 'unscannable', None, 'limit.time'), 'error': ERROR}, 'product_id = "10776"'),
    Kind('sssp', Sssp, {
        'found': (5, 'infected', 'EICAR-AV-Test'), 'heuristic': (5, 'infected', 'Mal/Generic-S'),
        'encrypted': (2, 'encrypted', 'Encrypted'), 'corrupt': (5, 'unscannable', None, 'corrupt'),
        'limit': (5, 'unscannable', None, 'limit.time'), 'timeout': (5, 'unscannable', None, 'limit.time'),
        'archive': (5, 'unscannable', None, 'not-scanned'), 'error': ERROR}),
    Kind('fprot', Fprot, {
        'found': (5, 'infected', 'EICAR_Test_File'), 'adware': (5, 'suspicious', 'W32/Adware.X'),
        'heuristic': (5, 'infected', 'W32/Heuristic-210!Eldorado'), 'limit': (5, 'unscannable', None, 'limit.size'),
        'encrypted': (5, 'unscannable', None, 'not-scanned'), 'corrupt': (5, 'unscannable', None, 'not-scanned'),
        'timeout': ERROR, 'error': ERROR}),
    Kind('klms', Klms, {
        'found': (5, 'infected', 'EICAR-Test-File'), 'adware': (5, 'suspicious', 'not-a-virus:AdWare.Win32.X'),
        'heuristic': (5, 'infected', 'HEUR:Trojan.Win32.Generic'), 'encrypted': ERROR, 'limit': ERROR, 'error': ERROR},
        unix_only=True),
]

tap.on_failure(vendors.logs)


def corpus(kind, d):
    vendors.expect(d, vendors.mail(), 2, 'clean')
    for marker, wanted in kind.marked.items():
        vendors.expect(d, vendors.mail(M[marker]), *wanted, what='%s: %s' % (kind.name, marker))
    vendors.expect(d, vendors.mail(M['found'], M['second']), 5, 'infected', what='two')
    vendors.expect(d, mails.empty_body(), 2, 'clean', what='empty body')
    vendors.expect(d, vendors.big(MB), 2, 'clean', what='1 MB')
    vendors.expect(d, vendors.big(MB, M['found']), 5, 'infected', what='1 MB infected')


def vocabulary(kind):
    for where in ('unix',) if kind.unix_only else ('unix', 'tcp'):
        fake = kind.serve(where)
        d = vendors.start('%s-%s' % (kind.name, where), kind.section(fake.address))
        corpus(kind, d)
        vendors.in_order(d, fake)
        fake.stop()


def encrypted(kind):
    cert, key = backends.certificate('scanner.test')
    fake = kind.serve('tcp', cert=cert, key=key)
    d = vendors.start(kind.name + '-tls', kind.section(fake.address, 'tls = yes tls_name = "scanner.test" tls_ca = "%s"' % cert))
    vendors.expect(d, vendors.mail(), 2, 'clean')
    vendors.expect(d, mails.eicar_plain(), 5, 'infected')
    vendors.expect(d, vendors.big(MB, M['found']), 5, 'infected')
    vendors.in_order(d, fake)
    fake.stop()


def broken(kind):
    """Whatever the server does wrong: 451, and service again when it does right."""
    fake = kind.serve('unix')
    d = vendors.start(kind.name + '-broken', kind.section(fake.address))
    vendors.expect(d, vendors.mail(), 2, 'clean')
    ways = [('cut after 1', 'cut', 1), ('cut after 6', 'cut', 6), ('nothing', 'cut', 0), ('flood', 'flood', MB), ('NUL', 'nul', 2),
            ('other words', 'instead', b'perhaps\n'), ('half a line', 'instead', b'200'), ('unknown', 'verdict', {'unknown'}),
            ('stall', 'stall', True), ('mute', 'mute', True), ('close after accept', 'drop', True)]
    for what, name, value in ways:
        fake.play = fakes.Play()
        setattr(fake.play, name, value)
        got, line = vendors.send(d, vendors.mail())
        tap.eq((got, line['verdict']), (4, 'error'), '%s: %s' % (what, line))
    fake.play = fakes.Play()
    vendors.recovers(d)
    fake.play.single = True
    vendors.expect(d, vendors.mail(M['found']), 5, 'infected', what='byte by byte')
    vendors.expect(d, vendors.mail(), 2, 'clean', what='byte by byte')
    fake.stop()
    got, line = vendors.send(d, vendors.mail())
    tap.eq(got in (2, 4), True, str(line))      # the idle connection may still live
    d.stop()


def pool(kind):
    """Of two servers one refuses: no mail notices."""
    servers = [kind.serve('tcp'), kind.serve('tcp')] if not kind.unix_only else [kind.serve('a'), kind.serve('b')]
    d = vendors.start(kind.name + '-pool', kind.section([s.address for s in servers]))
    servers[0].play.drop = True
    for _ in range(6):
        vendors.expect(d, vendors.mail(), 2, 'clean')
        vendors.expect(d, mails.eicar_plain(), 5, 'infected')
    tap.ok(len(servers[1].objects) >= 12, 'the other one scanned %d' % len(servers[1].objects))
    d.stop()
    for s in servers:
        s.stop()


def dry(kind):
    fake = kind.serve('unix')
    vendors.dry_run(kind.name + '-t', kind.section(fake.address))
    tap.eq(fake.problems, [])
    fake.stop()


def register(kind):
    for what, fn in (('what the server says becomes what the MTA hears', vocabulary),
                     ('a server that misbehaves is 451, never clean', broken),
                     ('one of two servers fails and no mail notices', pool), ('avmilter -t', dry)):
        tap.test('%s: %s' % (kind.name, what))(lambda kind=kind, fn=fn: fn(kind))
    if not kind.unix_only:
        tap.test('%s: over TLS' % kind.name)(lambda: encrypted(kind))


for each in KINDS:
    register(each)


@tap.test('savapi: no licence is said, loudly, and never clean')
def savapi_license():
    fake = Savapi()
    fake.play.license = False
    d = vendors.start('savapi-license', KINDS[0].section(fake.address))
    vendors.expect(d, vendors.mail(), 4, 'error', why='no-license')
    d.wait_log(r'err: .*SET PRODUCT 10776: 350')
    d.stop()


@tap.test('savapi: a file that the server may not read is 451, and the log names the remedy')
def savapi_unreadable():
    fake = Savapi()
    d = vendors.start('savapi-map', KINDS[0].section(fake.address, 'path_map = "%s/savapi-map/files=/no/such/place"' % rig.WORK))
    vendors.expect(d, vendors.mail(), 4, 'error', why='refused')
    d.stop()


@tap.test('savapi, klms: the server knows our files by another name (path_map)')
def other_name():
    for kind in (KINDS[0], KINDS[3]):
        fake = kind.serve('unix')
        files, seen = '%s/%s-seen/files' % (rig.WORK, kind.name), '%s/%s-view' % (rig.WORK, kind.name)
        os.symlink(files, seen)
        d = vendors.start(kind.name + '-seen', kind.section(fake.address, 'path_map = "%s=%s"' % (files, seen)))
        vendors.expect(d, vendors.mail(), 2, 'clean')
        vendors.expect(d, mails.eicar_plain(), 5, 'infected')
        tap.ok(all(' %s/avm-' % seen in command for command, _ in fake.objects) and fake.objects, str(fake.objects)[:300])
        vendors.in_order(d, fake)
        fake.stop()


@tap.test('sssp: maxscandata is respected without sending; the definitions are told')
def sssp_limit():
    fake = Sssp()
    fake.maxscandata = 4096
    d = vendors.start('sssp-limit', KINDS[1].section(fake.address))
    rig.wait_for(lambda: vendors.send(d, vendors.mail())[1].get('sigs') == '5.82', 10, 'the definitions')
    before = len(fake.objects)
    vendors.expect(d, vendors.big(MB, M['found']), 5, 'unscannable', why='too-large')
    tap.eq(len(fake.objects), before, 'objects sent')
    vendors.in_order(d, fake)


@tap.test('sssp, fprot: an answer before the upload ends counts only when it is bad')
def early():
    for kind in KINDS[1:3]:
        fake = kind.serve('tcp')
        d = vendors.start(kind.name + '-early', kind.section(fake.address))
        fake.play.early, fake.play.early_reads = True, True
        for verdict in (None, {'found'}):
            fake.play.verdict = verdict or set()
            got, line = vendors.send(d, vendors.big(8 * MB))
            if verdict:
                tap.eq((got, line['verdict']), (5, 'infected'), str(line))
            else:
                tap.eq(got in (2, 4), True, str(line))  # with a server that reads on, all may have gone over
        d.stop()
        fake.stop()


@tap.test('fprot: heuristics become its options')
def fprot_levels():
    fake = Fprot()
    for level, options in ((0, '--heurlevel=0'), (3, '--heurlevel=4 --adware --applications')):
        d = vendors.start('fprot-level%d' % level, KINDS[2].section(fake.address), heuristics=str(level), trace='true')
        d.stop()
        d.sections['log']['level'] = '"debug"'
        d.start(ready=False)
        vendors.expect(d, vendors.mail(), 2, 'clean')
        d.wait_log(r'C: SCAN --archive=10 %s STREAM avm1 SIZE \d+' % options)
        d.wait_log(r'C: \d+ bytes, sha256 [0-9a-f]{64}')
        d.wait_log(r'S: 0 <clean> avm1')
        d.stop()
    tap.eq(fake.problems, [])


@tap.test('savapi, sssp, fprot, klms: avmilter -n wants servers, and a number of the product')
def check_option():
    for kind in KINDS:
        vendors.checked(kind.name + '-n', '\t%s "e" { %s }\n' % (kind.name, kind.more), 'servers')
    vendors.checked('savapi-n1', vendors.section('savapi', 'h:1'), 'product_id')
    vendors.checked('savapi-n2', vendors.section('savapi', 'h:1', 'product_id = "12 34"'), 'product_id')
    vendors.checked('klms-n1', vendors.section('klms', 'h'), 'port')


if __name__ == '__main__':
    tap.main()
