#!/usr/bin/python3
"""What a name means and what is scanned: whitelists, symbols, filters; with the real scanner, a real clamd, the fake engine"""
# run: timeout=120 san=address,thread
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import avmilter, backends, mails, milter, rig, tap
from lib.avmilter import Daemon, q

MARKER, MARKED = avmilter.MARKER, avmilter.MARKER_NAME
EICAR = mails.EICAR_NAME + '.UNOFFICIAL'
D = []
N = [0]


@tap.on_failure
def logs():
    return rig.tail(D[0].output, 40) if D else ''


class Site:
    """A daemon whose engines share one whitelist."""

    def __init__(self, name, lines, engines='', clamav=False, **antivirus):
        self.d = Daemon(name)
        self.list = self.d.dir + '/whitelist'
        self.write(lines)
        if not clamav:
            self.d.clamav = None
        self.d.args = ['--test-engines']
        self.d.more_engines = engines
        self.d.sections['antivirus'].update({'whitelist': q(self.list)}, **antivirus)
        D.insert(0, self.d)

    def write(self, lines):
        """As a careful administrator does: beside it, then in its place."""
        rig.write(self.list + '.new', ''.join(l + '\n' for l in lines))
        os.rename(self.list + '.new', self.list)

    def start(self):
        self.d.start(ready=self.d.clamav is not None)
        return self

    def send(self, body, sender='<a@src.test>', to='u'):
        """(SMTP class, values of the log line, X-Virus-Status)"""
        N[0] += 1
        message = body if body.startswith(b'From:') else mails.join(mails.headers('names'), body + b'\r\n')
        answer = milter.talk(self.d.address, message, 'Q%d' % N[0], sender=sender,
                             rcpts=['<%s@local.test>' % c for c in to])
        return answer.smtp(), self.d.line('Q%d' % N[0]), answer.inserted().get('X-Virus-Status')


def marked(more=b''):
    return b'Dear all, ' + MARKER + b' and ' + more


@tap.test('the embedded engine: an ignored name alone is clean mail, with a real virus it is infected, in one part or two')
def embedded():
    s = Site('embedded', ['# false positives', MARKED], clamav=True).start()
    for body, code, cls, ignored in (
            (b'nothing', 2, 'clean', False),
            (marked(), 2, 'clean', True),
            (mails.EICAR, 5, 'infected', False),
            (mails.multipart([mails.part(MARKER, name='a.txt'), mails.part(mails.EICAR, name='b.com')]), 5, 'infected', True),
            (mails.multipart([mails.part(mails.zipped(MARKER + mails.EICAR), name='b.zip')]), 5, 'infected', True),
            (mails.multipart([mails.part(mails.zipped(MARKER), name='b.zip')]), 2, 'clean', True)):
        got, line, status = s.send(body)
        tap.eq((got, line['verdict'], 'ignored' in line), (code, cls, ignored), str(line))
        if got == 2:
            tap.eq(status, ['Clean'])
    tap.ok(re.search(r'ignored: class=infected virus="%s" .*engine=clamav list=\S+whitelist:2 uses=1' % re.escape(MARKED),
                     s.d.logged()), 'every use is told')


@tap.test('what the cache remembers are the findings: a list that changes holds for mail that is known already')
def cached():
    s = Site('cached', ['Nothing.Of.That'], clamav=True).start()
    body = marked(b'the same again')
    tap.eq(s.send(body)[0], 5)
    got, line, _ = s.send(body)
    tap.eq((got, line['cache']), (5, 'hit'))
    s.write([MARKED])
    got, line, status = s.send(body)
    tap.eq((got, line['cache'], line['verdict'], line['ignored'] != '0'), (2, 'hit', 'clean', True))
    s.write(['/Marker/ to=v@local.test'])
    tap.eq(s.send(body)[0], 5)
    # a broken list is told with file and line, and keeps the old one
    s.write([MARKED, '/(/'])
    tap.eq(s.send(body)[0], 5)
    s.d.wait_log(r'err: Q\d+: whitelist: \S+whitelist:2: ')
    s.d.hup()
    s.d.wait_log('configuration 2 of .* is in use')
    tap.eq(s.send(body)[0], 5)
    s.write([MARKED])
    tap.eq(s.send(body)[0], 2)
    tap.eq(len(re.findall(r'generation \d+ serves', s.d.logged())), 1, 'the engine was not loaded again')


@tap.test('clamd by descriptor: it is asked for all names, and an ignored one hides no other')
def clamd_lists():
    c = backends.Clamd('clamd', 13410).start()
    s = Site('listing', [MARKED, 'Heuristics.Encrypted.Zip'], '\tclamd "c" { servers = {"%s"} }\n' % c.unix,
             mime_decompose='false').start()
    tap.eq(s.send(b'nothing')[0], 2)
    got, line, _ = s.send(marked())
    tap.eq((got, line['verdict'], line['ignored']), (2, 'clean', '1'), str(line))
    for body in (marked(mails.EICAR), mails.EICAR + MARKER,
                 mails.multipart([mails.part(MARKER, name='a'), mails.part(mails.EICAR, name='b')])):
        got, line, _ = s.send(body)
        tap.eq((got, line['verdict'], line['virus']), (5, 'infected', EICAR), str(line))


@tap.test('clamd by stream tells one name only: an ignored one leaves the mail unscannable, not clean')
def clamd_stream():
    c = backends.Clamd('clamd-s', 13411).start()
    s = Site('stream', [MARKED], '\tclamd "c" { servers = {"%s"} }\n' % c.tcp, mime_decompose='false').start()
    tap.eq(s.send(b'nothing')[0], 2)
    got, line, _ = s.send(marked())
    tap.eq((got, line['verdict'], line['why']), (5, 'unscannable', 'hidden-by-ignored'), str(line))
    got, line, _ = s.send(mails.EICAR)
    tap.eq((got, line['verdict']), (5, 'infected'))


@tap.test('clamd that cannot read path_directory: no list, so unscannable, and the log says what to do')
def clamd_unlisted():
    c = backends.Clamd('clamd-u', 13412).start()
    s = Site('unlisted', [MARKED], '\tclamd "c" { servers = {"%s"} path_map = {"/=/nowhere/"} }\n' % c.unix,
             mime_decompose='false').start()
    got, line, _ = s.send(marked())
    tap.eq((got, line['verdict'], line['why']), (5, 'unscannable', 'hidden-by-ignored'), str(line))
    s.d.wait_log('ALLMATCHSCAN /nowhere/.* did not list')


@tap.test('conditions: sender, recipient, engine, day; for several recipients the strictest holds, or each has his own')
def conditions():
    s = Site('conditions', ['ForV to=v@local.test', 'Lab from=*@lab.test', 'Other engine=other', 'Past until=2020-01-01',
                            '/^Free[.]/'], '\tfake "f" { }\n', mime_decompose='false').start()
    for name, sender, to, code in (
            ('ForV', 'a@x.test', 'v', 2), ('ForV', 'a@x.test', 'u', 5), ('ForV', 'a@x.test', 'uv', 5),
            ('Lab', 'a@lab.test', 'u', 2), ('Lab', 'a@lab.test.evil', 'u', 5), ('Lab', '', 'u', 5),
            ('Other', 'a@x.test', 'u', 5), ('Past', 'a@x.test', 'u', 5), ('Free.A', 'a@x.test', 'uv', 2),
            ('Free.A FAKE:infected=Evil', 'a@x.test', 'u', 5), ('Free.A FAKE:partial', 'a@x.test', 'u', 5),
            ('Free.A FAKE:fail', 'a@x.test', 'u', 4), ('Free.A FAKE:hide', 'a@x.test', 'u', 5)):
        got, line, _ = s.send(b'FAKE:infected=' + name.encode(), '<%s>' % sender, to)
        tap.eq(got, code, '%s %s %s: %s' % (name, sender, to, line))


@tap.test('run = "first" asks the next engine when the finding may be ignored')
def first():
    s = Site('first', ['Free'], '\tfake "f" { }\n\tfake "g" { }\n', run=q('first'), mime_decompose='false').start()
    tap.eq(s.send(b'FAKE:infected=Free')[0], 2)
    tap.eq(s.send(b'FAKE:infected=Free FAKE:infected=Bad')[0], 5)


@tap.test('symbols: the default one, those of patterns and patterns_fail, in the log and in rules')
def symbols():
    s = Site('symbols', [], '''	fake "f" { symbol = "AV" patterns { EICAR = '^Eicar' DOC = '^Doc' } patterns_fail { LATE = '^timeout$' } }
	fake "g" { enabled = false }\n''', mime_decompose='false')
    s.d.more = 'policy "late" { symbols = {LATE} action = pass }\npolicy "doc" { symbols = {"DO*"} action = discard }\n'
    s.start()
    for marker, code, names, rule in (
            ('nothing', 2, None, None), ('FAKE:infected=Eicar-Test', 5, 'AV,EICAR', None),
            ('FAKE:infected=Evil', 5, 'AV', None), ('FAKE:macro=Doc.X', 2, 'AV_MACRO,DOC', 'doc'),
            ('FAKE:fail', 4, 'AV_FAIL', None), ('FAKE:fail=timeout', 2, 'AV_FAIL,LATE', 'late')):
        got, line, _ = s.send(marker.encode())
        tap.eq((got, line.get('symbols'), line.get('rule')), (code, names, rule), marker)
    line = [l for l in s.d.logged().split('\n') if 'symbols=AV,EICAR' in l][0]
    tap.ok(' engine=f symbols=AV,EICAR action=reject ' in line, line)


def parts(*each):
    """Without a preamble, which would be an object of its own."""
    return mails.multipart(each).replace(b'This is a multi-part message in MIME format.\r\n\r\n', b'')


@tap.test('filters: what no word asks for is left out, counted, named in the log and shown; what only calls itself harmless is scanned')
def filters():
    s = Site('filters', [], '\tfake "f" { scan_whole = false extension_list = ".exe;.doc" mime_parts_filter_regex { PDF = \'/pdf$\' } }\n',
             clamav=True)
    s.d.clamav['enabled'] = 'false'
    s.start()
    bad = b'FAKE:infected=Bad'
    for name, ctype, content, code, verdict in (
            ('a.exe', 'application/octet-stream', bad, 5, 'infected'),
            ('a.txt', 'text/plain', bad, 2, 'skipped'),
            ('a.txt', 'text/plain', b'MZ\x90\0\3\0' + bad, 5, 'infected'),
            ('a.txt', 'application/pdf', bad, 5, 'infected'),
            ('a.txt', 'text/plain', b'%PDF-1.4 ' + bad, 5, 'infected'),
            ('a.zip', 'application/zip', mails.zipped(b'x', 'in.doc') + bad, 5, 'infected'),
            ('a.zip', 'application/zip', mails.zipped(b'x', 'in.txt'), 2, 'skipped'),
            ('a.rar', 'application/x', b'Rar!\x1a\7\0' + bad, 5, 'infected')):
        got, line, status = s.send(parts(mails.part(content, ctype, name)))
        tap.eq((got, line['verdict']), (code, verdict), '%s: %s' % (name, line))
        if verdict == 'skipped':
            tap.eq((line['why'], line['left_out'], status), ('filters', '1', ['Skipped (filters)']), str(line))
    tap.has(s.d.logged(), 'left out by filters: object="a.txt" part=1 type="text/plain" detected=text/plain')
    message = parts(mails.part(b'nothing', 'text/plain', 'a.doc'), mails.part(bad, 'text/plain', 'b.txt'))
    N[0] += 1
    answer = milter.talk(s.d.address, message, 'Q%d' % N[0])
    tap.eq((answer.smtp(), answer.inserted()['X-Virus-Status']), (2, ['Clean']))
    tap.has(answer.inserted()['X-Virus-Scanned'][0], '(1 object not examined: filters)')


@tap.test('use_wire_rep = false: embedded engine and clamd see the message in LF, else in CRLF')
def line_ends():
    wire = 'A.Wire:0:*:%s\n' % b'first line\r\nsecond line'.hex()
    # libclamav itself takes a mail apart in LF; clamd stops there
    for name, more in (('wire-db', 'B.Lf:0:*:%s\n' % b'first line\nsecond line'.hex()), ('clamd-db', '')):
        rig.write(avmilter.database(name) + '/lines.ndb', wire + more)
    c = backends.Clamd('clamd-l', 13413)
    c.start()
    for kind in ('embedded', 'clamd'):
        for wire, virus in (('true', 'A.Wire.UNOFFICIAL'), ('false', 'B.Lf.UNOFFICIAL' if kind == 'embedded' else None)):
            s = Site('lines-%s-%s' % (kind, wire), [], '' if kind == 'embedded' else '\tclamd "c" { servers = {"%s"} }\n' % c.unix,
                     clamav=kind == 'embedded', mime_decompose='false', use_wire_rep=wire)
            del s.d.sections['antivirus']['whitelist']
            if s.d.clamav:
                s.d.clamav['database'] = q(avmilter.database('wire-db'))
            s.start()
            got, line, _ = s.send(b'the first line\r\nsecond line is that')
            tap.eq((got, line.get('virus')), (5 if virus else 2, virus), '%s %s: %s' % (kind, wire, line))
            tap.eq(s.send(b'nothing\r\nto see')[0], 2)
            s.d.stop()


@tap.test('-n and the start name file and line of a broken list; -t uses it')
def checked():
    s = Site('checked', ['Free', 'Bad what'], '\tfake "f" { }\n', mime_decompose='false')
    s.d.write_conf()
    status, out, err = rig.run(s.d.command('-n', *s.d.args))
    tap.eq(status, 78, out + err)
    tap.has(out + err, s.list + ':2: "what"')
    status, out, err = rig.run(s.d.command('-f', *s.d.args))
    tap.ok(status != 0, 'it starts')
    tap.has(out + err, s.list + ':2: "what"')
    s.write(['Free'])
    for body, want in ((b'FAKE:infected=Free', 0), (b'FAKE:infected=Bad', 1)):
        got, out, err = rig.run(s.d.command('-t', '-', *s.d.args), stdin=mails.join(mails.headers('t'), body))
        tap.eq(got, want, out + err)
    os.chmod(s.list, 0o666)
    status, out, err = rig.run(s.d.command('-n', *s.d.args))
    tap.eq(status, 78, out + err)
    tap.has(out + err, 'everybody may write to it')


if __name__ == '__main__':
    tap.main()
