"""fake_avast - Avast Business Antivirus for Linux: its REST service and its socket, written from the protocol, not from our client

REST: POST /v1/scan with the bytes or with ?path=, answers {"issues": [...]}; Socket: greeting 220, SCAN with escaped paths,
210 lines with [+], [L] and [E], 200 or 451 at the end, VPS. Neither was ever compared with a real one.
"""
import json
import os
import urllib.parse

from lib.fake_listener import HttpRequest, Listener, http_answer, marks

NAMES = [('virus', 'EICAR Test-NOT virus!!!'), ('second', 'Win32:Second-A [Trj]'), ('heuristic', 'Win32:Evo-gen [Susp]'),
         ('adware', 'Win32:Toolbar-X [PUP]')]
# mark, number, text
WARNINGS = [('encrypted', 42056, 'Archive is password protected'), ('limit', 42110, 'The file is a decompression bomb'),
            ('corrupt', 42125, 'ZIP archive is corrupted'), ('skipped', 42999, 'The file was not scanned')]
NO_LICENSE = (42000, 'The license has expired')
PARAMETERS = {'filename', 'email', 'full', 'archives', 'pup', 'heuristics', 'detections', 'path'}


class AvastRest(Listener):
    def __init__(self, path=None, tls=None):
        self.max_size = 100 << 20
        self.busy = False
        self.license = True
        self.detections = False         # findings as "detections", also without the parameter
        self.close = False              # a connection for each request
        self.requests = []              # (target, header fields)
        super().__init__(path, tls)

    def serve(self, stream):
        while self.one(stream):
            pass

    def one(self, stream):
        request = HttpRequest(stream)
        self.requests.append((request.target, request.fields))
        query = dict(urllib.parse.parse_qsl(request.query, keep_blank_values=True))
        for name in set(query) - PARAMETERS:
            self.problems.append('unknown parameter ' + name)
        if request.path != '/v1/scan':
            return self.say(stream, '404 Not Found', {'error': 'Not found'})
        if request.method != 'POST':
            return self.say(stream, '405 Method Not Allowed', {'error': 'Method not allowed'})
        if self.busy:
            return self.say(stream, '503 Service Unavailable', {'error': 'Busy'})
        if 'path' not in query and request.length() < 0:
            self.problems.append('POST without Content-Length')
            return self.say(stream, '411 Length Required', {'error': 'Length required'})
        if request.length() > self.max_size:
            return self.say(stream, '413 Payload Too Large', {'error': 'Too large'})
        if self.fault == 'early':
            return self.say(stream, '200 OK', {'issues': []})
        data = request.body()
        if 'path' in query:
            try:
                with open(query['path'], 'rb') as f:
                    data = f.read()
            except OSError:
                return self.say(stream, '404 Not Found', {'error': 'File not found'})
        seen = marks(data)
        if 'error' in seen:
            return self.say(stream, '500 Internal Server Error', {'error': 'Engine error'})
        last = self.close or request.fields.get('connection', '').lower() == 'close'
        stream.answer(self.message('200 OK', self.judge(seen, query), last))
        return not last

    def say(self, stream, status, answer):
        """A status after which the connection is closed."""
        stream.answer(self.message(status, answer, True))
        return False

    @staticmethod
    def message(status, answer, last):
        return http_answer(status, json.dumps(answer), 'Content-Type: application/json',
                           'Connection: %s' % ('close' if last else 'keep-alive'))

    def judge(self, seen, query):
        name = query.get('filename', os.path.basename(query.get('path', 'stream')))
        if self.fault == 'unknown':
            return {'result': 'clean'}
        issues = []
        if not self.license:
            issues.append({'path': name, 'warning_id': NO_LICENSE[0], 'warning_str': NO_LICENSE[1]})
        for mark, number, text in WARNINGS:
            if mark in seen:
                issues.append({'path': name, 'warning_id': number, 'warning_str': text})
        for mark, virus in NAMES:
            if mark not in seen or (mark == 'adware' and query.get('pup') == 'false'):
                continue
            issue = {'path': name + '|>part'}
            if self.detections or query.get('detections') == 'true':
                issue['detections'] = [{'virus': virus}]
            else:
                issue['virus'] = virus
            issues.append(issue)
        return {'issues': issues}


def unescape(text):
    """The bytes of a path as a client escapes them, and what stands behind it."""
    out, i = '', 0
    while i < len(text):
        if text[i] == '\\' and i + 1 < len(text):
            i += 1
        elif text[i] in ' \t':
            break
        out += text[i]
        i += 1
    return out, text[i:]


def escape(text):
    return text.replace('\\', '\\\\').replace(' ', '\\ ').replace('\t', '\\\t')


class AvastSocket(Listener):
    def __init__(self, path=None, tls=None):
        self.license = True
        self.busy = False               # no greeting but a refusal
        self.greeting = '220 DAEMON'
        self.vps = '26010100'
        self.permission = True          # may it read the files
        self.commands = []
        super().__init__(path, tls)

    def serve(self, stream):
        if self.busy:
            stream.answer('451 Too many connections\r\n')
            return
        stream.say(self.greeting + '\r\n')
        while True:
            line = stream.line()
            self.commands.append(line)
            word, _, rest = line.partition(' ')
            if word == 'QUIT':
                stream.say('221 Service closing transmission channel\r\n')
                return
            if word == 'VPS':
                stream.say('210 VPS DATA\r\nVPS %s\r\n200 VPS OK\r\n' % self.vps)
            elif word in ('FLAGS', 'PACK', 'SENSITIVITY', 'EXCLUDE'):
                stream.say('210 %s DATA\r\n%s\r\n200 %s OK\r\n' % (word, line, word))
            elif word == 'SCAN':
                self.scan(stream, rest)
            else:
                self.problems.append('unknown command %r' % line)
                stream.answer('500 Syntax error\r\n')

    def scan(self, stream, rest):
        path, behind = unescape(rest)
        if behind or not os.path.isabs(path):
            self.problems.append('SCAN %r' % rest)
            stream.answer('501 Syntax error in arguments\r\n')
            return
        try:
            with open(path, 'rb') as f:
                data = f.read()
        except OSError as e:
            stream.answer('451 SCAN Engine error %d %s\r\n' % (e.errno, (e.strerror or '').lower()))
            return
        if not self.permission:
            stream.answer('451 SCAN Engine error 13 permission denied\r\n')
        elif not self.license:
            stream.answer('210 SCAN DATA\r\nSCAN %s\t[E]1.0\tError %d %s\r\n200 SCAN OK\r\n'
                          % (escape(path), NO_LICENSE[0], escape(NO_LICENSE[1])))
        elif 'error' in marks(data):
            stream.answer('451 SCAN Engine error 5 input/output error\r\n')
        elif self.fault == 'unknown':
            stream.answer('210 SCAN DATA\r\nSCAN %s\t[?]1.0\r\n200 SCAN OK\r\n' % escape(path))
        else:
            stream.answer(self.judge(escape(path), marks(data)))

    @staticmethod
    def judge(path, seen):
        lines = []
        for mark, number, text in WARNINGS:
            if mark in seen:
                lines.append('SCAN %s|>member%d\t[E]%d.0\tError %d %s' % (path, len(lines), len(lines) + 1, number, escape(text)))
        for mark, virus in NAMES:
            if mark in seen:
                lines.append('SCAN %s|>member%d\t[L]%d.0\t0 %s' % (path, len(lines), len(lines) + 1, escape(virus)))
        lines.append('SCAN %s\t[+]0.0' % path) if not lines else None
        return ''.join(line + '\r\n' for line in ['210 SCAN DATA'] + lines + ['200 SCAN OK'])
