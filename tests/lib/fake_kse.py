"""fake_kse - a Kaspersky Scan Engine in HTTP mode as its online help describes it, and nothing of our client

KAV protocol 1 and 2 (text) and 3.0/3.1 (JSON, answered as text/plain), scanmemory and scanfile, basesdate, version,
licenseinfo and statistics. HTTP/1.0, a connection for each request unless keep_alive is set, no chunked upload, 401 where a
token is wanted, 405 for a method that is not known. What says which statuses it uses for too large and too many is a guess of
the document it was written from. It was never compared with a real one.
"""
import base64
import json
import os

from lib.fake_listener import HttpRequest, Listener, http_answer, marks

NAMES = [('virus', 'EICAR-Test-File'), ('second', 'Trojan.Win32.Second.a'), ('heuristic', 'HEUR:Trojan.Script.Generic'),
         ('adware', 'not-a-virus:AdWare.Win32.Test.a')]
# what it says without a finding, in the order of weight
REASONS = [('error', 'SERVER_ERROR'), ('encrypted', 'NON_SCANNED (PASSWORD PROTECTED)'), ('corrupt', 'NON_SCANNED (CORRUPTED)'),
           ('skipped', 'NON_SCANNED (SKIPPED)'), ('timeout', 'NON_SCANNED (CANCELED)'), ('limit', 'NON_SCANNED'),
           ('macro', 'CLEAN AND CONTAINS OFFICE MACRO')]


class Kse(Listener):
    def __init__(self, path=None, tls=None):
        self.version = 2                # of the product: 1 says DETECTED, 2 says DETECT
        self.max_size = 100 << 20       # MaxTCPFileSize
        self.busy = False               # MaxHTTPSessionsNum is reached
        self.license = True
        self.token = None               # wanted in Authorization
        self.keep_alive = False         # KeepAliveSettings
        self.disinfect = False          # scanfile repairs
        self.separator = ', '           # between the names of several findings
        self.bases = '9.02.2014 15:03 GMT'
        self.requests = []              # (method, target, header fields)
        super().__init__(path, tls)

    def serve(self, stream):
        while self.one(stream) and self.keep_alive:
            pass

    def one(self, stream):
        """One request. True: it was served in order."""
        request = HttpRequest(stream)
        self.requests.append((request.method, request.target, request.fields))
        if self.token is not None and request.fields.get('authorization') != self.token:
            return self.say(stream, '401 Unauthorized', '', 'WWW-Authenticate: Basic')
        if 'transfer-encoding' in request.fields:
            self.problems.append('a chunked upload')
            return self.say(stream, '400 Bad Request', '')
        if request.method == 'GET':
            return self.tell(stream, request)
        if request.method != 'POST':
            return self.say(stream, '405 Method Not Allowed', '')
        if request.length() < 0:
            self.problems.append('POST without Content-Length')
            return self.say(stream, '400 Bad Request', '')
        if self.busy:
            return self.say(stream, '503 Service Unavailable', '')
        if request.length() > self.max_size:
            return self.say(stream, '413 Request Entity Too Large', '')
        if self.fault == 'early':
            return self.early(stream, request)
        return self.scan(stream, request, request.body())

    def say(self, stream, status, body, *fields):
        """A status that ends the connection."""
        stream.answer(self.message(status, body, *fields))
        return False

    def message(self, status, body, *fields):
        return http_answer(status, body, 'Server: KAVHTTPD/1.0', 'Content-Type: text/plain', 'X-KAV-ProtocolVersion: 1',
                           'Connection: %s' % ('keep-alive' if self.keep_alive else 'close'), *fields, version='HTTP/1.0')

    def tell(self, stream, request):
        what = request.path.rsplit('/', 1)[-1]
        v3 = request.path.startswith('/api/')
        if what == 'basesdate':
            text = json.dumps({'databaseVersion': self.bases}) if v3 else 'database version: %s\r\n' % self.bases
        elif what == 'version':
            text = json.dumps({'KAVSDKVersion': '8.5.1.84'}) if v3 else 'KAV SDK v8.5.1.84\r\n'
        elif what == 'licenseinfo':
            text = self.license_v3() if v3 else self.license_text()
        elif what == 'getstatistics':
            text = json.dumps({'statistics': {}}) if v3 else 'total_requests: %d\r\n' % len(self.requests)
        else:
            return self.say(stream, '405 Method Not Allowed', '')
        stream.say(self.message('200 OK', text))
        return True

    def license_text(self):
        if self.license:
            return 'key file name: EXAMPLE.key\r\n\r\nlicense expiration date: 05.12.2099\r\n'
        return ('activation code: EXMPL-*****-*****-12345\r\n\r\nlicense expiration date: 05.12.2020\r\n\r\n'
                'The license ticket has expired. Computer must be connected to the Internet to update the license ticket.\r\n')

    def license_v3(self):
        if self.license:
            return json.dumps({'licenseName': 'EXAMPLE.key', 'licenseExpirationDate': '05.12.2099'})
        return json.dumps({'activationCode': 'EXMPL-*****-*****-12345', 'licenseExpirationDate': '05.12.2020',
                           'ticketExpired': 'The license ticket has expired.'})

    def early(self, stream, request):
        """It answers behind the head, and reads nothing."""
        text = 'CLEAN' if not request.path.startswith('/api/') else json.dumps({'object': 'memory', 'scanResult': 'CLEAN'})
        stream.answer(self.message('200 OK', text))
        return False

    def scan(self, stream, request, body):
        v3 = request.path.startswith('/api/v3.')
        what = request.path.rsplit('/', 1)[-1]
        name = ''
        if v3:
            try:
                question = json.loads(body)
                data, name = question['object'], question.get('name', '')
                data = data.encode() if what == 'scanfile' else base64.b64decode(data, validate=True)
            except (ValueError, KeyError, TypeError, AttributeError) as e:
                self.problems.append('JSON: %s' % e)
                return self.say(stream, '400 Bad Request', json.dumps({'error': 'Bad request'}))
        else:
            data = body
            if request.fields.get('x-kav-protocolversion') not in ('1', '2'):
                self.problems.append('X-KAV-ProtocolVersion: %s' % request.fields.get('x-kav-protocolversion'))
                return self.say(stream, '400 Bad Request', '')
        if what not in ('scanmemory', 'scanfile'):
            return self.say(stream, '405 Method Not Allowed', '')
        denied = False
        if what == 'scanfile':
            data, denied = self.open(data.decode('utf-8', 'replace'))
        found, result = self.judge(data, denied, what == 'scanfile')
        if self.fault == 'unknown':
            found, result = [], 'CLEANED'
        text = self.json(what, name, found, result) if v3 else self.text(found, result)
        stream.answer(self.message('200 OK', text))
        return True

    @staticmethod
    def open(path):
        """(bytes, was it denied)"""
        if not os.path.isabs(path) or path != path.strip():
            return b'', True
        try:
            with open(path, 'rb') as f:
                return f.read(), False
        except OSError:
            return b'', True

    def judge(self, data, denied, is_file):
        """(names, result without a name)"""
        if denied:
            return [], 'NON_SCANNED (ACCESS DENIED)'
        if not self.license:
            return [], 'SERVER_ERROR'
        seen = marks(data)
        found = [name for mark, name in NAMES if mark in seen]
        if found:
            detected = 'DETECT' if self.version > 1 else 'DETECTED'
            return found, 'DISINFECTED' if is_file and self.disinfect else detected
        for mark, result in REASONS:
            if mark in seen:
                return [], result
        return [], 'CLEAN'

    def text(self, found, result):
        return '%s %s' % (result, self.separator.join(found)) if found else result

    def json(self, what, name, found, result):
        answer = {'object': 'memory' if what == 'scanmemory' else 'file', 'name': name, 'scanResult': result}
        if found:
            answer['detectionName'] = found[0]
            answer['subObjectsScanResults'] = [{'object': '//member%d' % i, 'scanResult': result, 'detectionName': n}
                                               for i, n in enumerate(found)]
        if 'MACRO' in result:
            answer['scanResult'], answer['containsOfficeMacro'] = 'CLEAN', 'true'
        return json.dumps(answer)
