"""fake_symantec - a Symantec Scan Engine as its SDK guide describes it, and nothing of our client

Written from the guide alone (status codes of table 3-4, header fields of table 3-5, the dialogues of chapter 3): RESPMOD,
REQMOD and FILEMOD, OPTIONS, 201 with a replacement page or 403 (ICAPResponse), X-Violations-Found with indented lines,
NonViralThreat, 506 with the connection closed, 558, ISTag that changes with the definitions. It was never compared with a
real one.
"""
import re
import socket
import threading

VIRUS = b'X5O!P%@AP[4\\PZX54(P^)7CC)7}$' + b'EICAR-STANDARD-' + b'ANTIVIRUS-TEST-FILE!$H+H*'
# what it looks for in the bytes: marker, name, id
SIGNATURES = [
    (VIRUS, 'EICAR Test String', 11101),
    (b'AVMILTER-TEST-MARKER', 'Test.Marker', 755),
    (b'AVMILTER-ADWARE', 'Adware.Unknown| NonViralThreat=Adware', 4294909841),
    (b'AVMILTER-CONTAINER', 'Container size violation', 0),
    (b'AVMILTER-LOCKED', 'Encrypted container violation', 0),
]
PAGE = b'<html><body>The content you just requested contains a violation and was blocked.</body></html>\r\n'


class Symantec:
    """On 127.0.0.1, port chosen by the system. Attributes may be changed while it runs."""

    def __init__(self):
        self.icap_response = 201        # 201 is the default, 403 after ICAPResponse=0
        self.repairs = b''              # what takes the place of a virus when the client asks for scanrepair; b'' = nothing can be repaired
        self.says_repaired = True
        self.busy = False
        self.license = True
        self.definitions = '20050622.017'
        self.istag = 'B3C20CFCACEDA72CF16F6AEC119B2981'
        self.methods = 'RESPMOD, FILEMOD'
        self.requests = []              # (method, URI, header fields of the request)
        self.problems = []              # what a client did against the protocol
        self.listener = socket.socket()
        self.listener.bind(('127.0.0.1', 0))
        self.listener.listen(100)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            sock, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        stream = sock.makefile('rwb')
        try:
            while self.one(stream):
                stream.flush()
            stream.flush()
        except (OSError, ValueError) as e:
            self.problems.append(str(e))
        finally:
            try:
                stream.close()
            except OSError:
                pass
            sock.close()

    def one(self, stream):
        """One request. True: the connection stays open."""
        line = stream.readline().decode('latin-1')
        if not line:
            return False
        words = line.split()
        if len(words) != 3 or not line.endswith('\r\n'):
            return self.say(stream, '400 Bad request')
        method, uri, version = words
        fields = {}
        while True:
            line = stream.readline().decode('latin-1')
            if line == '\r\n':
                break
            name, colon, value = line.partition(':')
            if not colon or not line.endswith('\r\n'):
                return self.say(stream, '400 Bad request')
            fields[name.lower()] = value.strip()
        self.requests.append((method, uri, fields))
        if version != 'ICAP/1.0':
            return self.say(stream, '505 Version not supported')
        if 'host' not in fields:
            return self.say(stream, '400 Bad request')
        if self.busy:
            return self.say(stream, '506 Server too busy')
        service = re.sub(r'^icap://[^/]*/', '', uri).split('?')[0].lower()
        if service not in ('symcscanresp-av', 'symcscanreq-av', 'avscan', 'avscanresp', 'avscanreq'):
            return self.say(stream, '404 Not found')
        if method == 'OPTIONS':
            return self.options(stream)
        data = self.object(stream, method, fields)
        if isinstance(data, str):
            return self.say(stream, data)
        if not self.license:
            return self.say(stream, '558 Aborted no scanning license')
        return self.judge(stream, method, data, fields, uri) and fields.get('connection') != 'close'

    def object(self, stream, method, fields):
        """The bytes to scan, or the status that refuses them."""
        if method == 'FILEMOD':
            path = fields.get('x-filepath')
            if not path:
                return '400 Bad request'
            try:
                with open(path, 'rb') as f:
                    return f.read()
            except OSError:
                return '502 Bad gateway'
        parts = dict(p.strip().split('=') for p in fields.get('encapsulated', '').split(','))
        want = 'req-body' if method == 'REQMOD' else 'res-body'
        if want not in parts:
            return '400 Bad request'
        heads = stream.read(int(parts[want]))
        if not heads.endswith(b'\r\n\r\n') or not re.match(rb'(GET|POST) \S+ HTTP/1\.[01]\r\n', heads):
            self.problems.append('heads: %r' % heads)
            return '400 Bad request'
        if 'res-hdr' in parts and not heads[int(parts['res-hdr']):].startswith(b'HTTP/1.'):
            self.problems.append('res-hdr does not point to an HTTP head')
            return '400 Bad request'
        data, ieof = self.chunks(stream)
        if 'preview' in fields and not ieof:
            stream.write(b'ICAP/1.0 100 Continue\r\n\r\n')
            stream.flush()
            data += self.chunks(stream)[0]
        return data

    def chunks(self, stream):
        data = b''
        while True:
            head = stream.readline()
            if not head:
                raise ValueError('the client left in the middle of an object')
            size = int(head.split(b';')[0], 16)
            data += stream.read(size)
            if stream.readline() != b'\r\n':
                raise ValueError('no line end behind a chunk')
            if size == 0:
                return data, b'ieof' in head

    def head(self, stream, status, *fields):
        text = 'ICAP/1.0 %s\r\nISTag: "%s"\r\nDate: Mon Jun 27 12:37:13 2005 GMT\r\n' % (status, self.istag)
        text += 'Service: Symantec Scan Engine/5.0.0.23\r\nService-ID: SYMCSCANRESP-AV\r\n'
        stream.write((text + ''.join(f + '\r\n' for f in fields) + '\r\n').encode())

    def say(self, stream, status):
        """A status without more; the connection is closed behind it."""
        self.head(stream, status)
        return False

    def options(self, stream):
        self.head(stream, '200 OK', 'Methods: ' + self.methods, 'X-Definition-Info: ' + self.definitions,
                  'Max-Connections: 128', 'X-Allow-Out: X-Outer-Container-Is-Mime, X-Infection-Found',
                  'X-Allow-Out: X-Definition-Info, X-AV-License', 'X-Allow-Out: X-Violations-Found', 'Allow: 204',
                  'Options-TTL: 3600', 'Preview: 4', 'Transfer-Preview: *', 'X-AV-License: %d' % self.license,
                  'Encapsulated: null-body=0')
        return True

    def judge(self, stream, method, data, fields, uri=''):
        found = [(name, number) for marker, name, number in SIGNATURES if marker in data]
        if not found:
            if method == 'FILEMOD':
                self.head(stream, '200 OK', 'Encapsulated: null-body=0')
            elif '204' in fields.get('allow', ''):
                self.head(stream, '204 No content necessary', 'Encapsulated: null-body=0')
            else:
                self.body(stream, '200 OK', 'HTTP/1.1 200 OK\r\n\r\n', data)
            return True
        repaired = self.repairs and 'action=scanrepair' in uri and method != 'FILEMOD'
        violations = ['X-Violations-Found: %d' % len(found)]
        for name, number in found:
            violations += ['\tmessage.eml', '\t%s' % name, '\t%d' % number, '\t1' if repaired and self.says_repaired else '\t0' if repaired else '\t2']
        violations.append('X-Outer-Container-Is-Mime: 1')
        if repaired:
            for marker, _, _ in SIGNATURES:
                data = data.replace(marker, self.repairs)
            self.body(stream, '201 Created', 'HTTP/1.1 200 OK\r\n\r\n', data, violations)
        elif method == 'FILEMOD' or self.icap_response == 403:
            self.head(stream, '403 Forbidden.', *violations, 'Encapsulated: null-body=0')
        else:
            self.body(stream, '201 Created', 'HTTP/1.1 403 Forbidden.\r\nContent-Length: %d\r\nContent-Type: text/html\r\n\r\n'
                      % len(PAGE), PAGE, violations)
        return True

    def body(self, stream, status, http, data, more=()):
        http = http.encode()
        self.head(stream, status, *more, 'Encapsulated: res-hdr=0, res-body=%d' % len(http))
        stream.write(http + b'%x\r\n' % len(data) + data + b'\r\n0\r\n\r\n')


