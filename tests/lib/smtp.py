"""smtp - an SMTP client that keeps every reply, and a sink that keeps every message"""
import base64
import os
import socket
import socketserver
import threading


class Reply:
    def __init__(self, lines):
        self.code = int(lines[0][:3])
        self.lines = [l[4:].decode('utf-8', 'replace') for l in lines]
        self.text = ' / '.join(self.lines)

    def __repr__(self):
        return '<%d %s>' % (self.code, self.text)

    def __str__(self):
        return '%d %s' % (self.code, self.text)


class Lost(Exception):
    """The server closed the connection."""


class Client:
    """Every method that sends returns the Reply."""

    def __init__(self, port, host='127.0.0.1', helo='client.test', timeout=120, source=None):
        self.sock = socket.create_connection((host, port), timeout, (source, 0) if source else None)
        self.file = self.sock.makefile('rb')
        self.helo = helo
        self.banner = self.reply()
        self.hello = self.cmd('EHLO ' + helo)

    def reply(self):
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                raise Lost('connection closed by the server')
            lines.append(line.rstrip(b'\r\n'))
            if line[3:4] != b'-':
                return Reply(lines)

    def raw(self, data):
        self.sock.sendall(data)

    def cmd(self, line):
        self.raw((line if isinstance(line, bytes) else line.encode()) + b'\r\n')
        return self.reply()

    def xclient(self, **attributes):
        """XCLIENT, then EHLO again."""
        reply = self.cmd('XCLIENT ' + ' '.join('%s=%s' % a for a in attributes.items()))
        if reply.code == 220:
            self.hello = self.cmd('EHLO ' + self.helo)
        return reply

    def auth(self, user, password):
        return self.cmd('AUTH PLAIN ' + base64.b64encode(('\0%s\0%s' % (user, password)).encode()).decode())

    def send(self, message, rcpts=('u@local.test',), sender='a@src.test'):
        """One transaction; the reply that decided it (a refusal before DATA, or the one to the final dot)."""
        reply = self.cmd('MAIL FROM:<%s>' % sender)
        if reply.code != 250:
            return reply
        replies = [self.cmd('RCPT TO:<%s>' % r) for r in rcpts]
        if not any(r.code == 250 for r in replies):
            self.cmd('RSET')
            return replies[0]
        reply = self.cmd('DATA')
        if reply.code != 354:
            return reply
        self.raw(stuffed(message))
        return self.reply()

    def pipeline(self, messages, sender='a@src.test', rcpt='u@local.test'):
        """All messages without waiting in between more than SMTP demands; the final reply of each."""
        finals = []
        for n, message in enumerate(messages):
            self.raw(b'MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n' % (sender.encode(), rcpt.encode()))
            if n:
                finals.append(self.reply())
            replies = [self.reply() for _ in range(3)]
            if replies[2].code != 354:
                raise AssertionError('no 354: %s' % replies)
            self.raw(stuffed(message))
        finals.append(self.reply())
        return finals

    def quit(self):
        try:
            reply = self.cmd('QUIT')
        except (Lost, OSError):
            reply = None
        self.close()
        return reply

    def close(self):
        self.file.close()
        self.sock.close()


def stuffed(message):
    """With dots doubled at line starts and the final dot."""
    if message.startswith(b'.'):
        message = b'.' + message
    message = message.replace(b'\r\n.', b'\r\n..')
    return message + (b'' if message.endswith(b'\r\n') else b'\r\n') + b'.\r\n'


def send(port, message, rcpts=('u@local.test',), sender='a@src.test', **xclient):
    """One message on a connection of its own; the final reply."""
    client = Client(port)
    try:
        if xclient:
            client.xclient(**xclient)
        return client.send(message, rcpts, sender)
    finally:
        client.quit()


class Sink:
    """An SMTP server in a thread: every message becomes (envelope, bytes) in .messages."""

    def __init__(self, port):
        self.messages = []
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                sink.session(self)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(('127.0.0.1', port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def session(self, h):
        def say(text):
            h.wfile.write(text.encode() + b'\r\n')
        say('220 sink.test ESMTP')
        envelope = {'from': None, 'to': []}
        for line in h.rfile:
            line = line.decode('utf-8', 'replace').rstrip('\r\n')
            verb = line.split(' ')[0].upper()
            if verb == 'EHLO':
                say('250-sink.test\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 100000000')
            elif verb == 'MAIL':
                envelope = {'from': line[10:], 'to': []}
                say('250 2.1.0 ok')
            elif verb == 'RCPT':
                envelope['to'].append(line[8:])
                say('250 2.1.5 ok')
            elif verb == 'DATA':
                say('354 go on')
                content = b''
                while True:
                    data = h.rfile.readline()
                    if not data or data == b'.\r\n':
                        break
                    content += data[1:] if data.startswith(b'.') else data
                self.messages.append((envelope, content))
                say('250 2.0.0 stored')
            elif verb == 'QUIT':
                say('221 bye')
                return
            else:
                say('250 ok')


class AuthServer:
    """Dovecot's authentication protocol, as much as Postfix needs to check AUTH PLAIN."""

    def __init__(self, port, users):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                self.wfile.write(b'VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t%d\nCUID\t1\n'
                                 b'COOKIE\t00112233445566778899aabbccddeeff\nDONE\n' % os.getpid())
                for line in self.rfile:
                    f = line.decode().rstrip('\n').split('\t')
                    if f[0] != 'AUTH':
                        continue
                    answer = [x[5:] for x in f if x.startswith('resp=')]
                    _, user, password = base64.b64decode(answer[0] if answer else '').decode().split('\0')
                    good = users.get(user) == password
                    self.wfile.write((('OK\t%s\tuser=%s\n' if good else 'FAIL\t%s\tuser=%s\n') % (f[1], user)).encode())

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        threading.Thread(target=Server(('127.0.0.1', port), Handler).serve_forever, daemon=True).start()
