"""relay - an SMTP server that behaves as a test tells it to: refuses, falls silent, hangs up, at the step that is named

Steps: greeting EHLO MAIL RCPT DATA content dot (the final dot has come, nothing is answered yet) after (the 250 is out).
"""
import socketserver
import threading


class Relay:
    """mails: [(MAIL line, [RCPT lines], content)] of what was answered with 250."""

    def __init__(self, port, offers=('8BITMIME', 'DSN', 'SMTPUTF8', 'SIZE 100000000')):
        self.port, self.offers = port, list(offers)
        self.mails, self.commands = [], []
        self.refuse = {}                # recipient -> reply
        self.answers = {}               # step -> reply in place of the good one
        self.drop = None                # step at which the connection ends without a word
        self.hold = None                # step at which it waits for let_go
        self.reached, self.let_go = threading.Event(), threading.Event()
        relay = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    relay.session(self)
                except (Hangup, OSError):
                    pass

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(('127.0.0.1', port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.let_go.set()
        self.server.shutdown()
        self.server.server_close()

    def at(self, step, h):
        if self.hold == step:
            self.reached.set()
            self.let_go.wait(60)
        if self.drop == step:
            raise Hangup()
        return self.answers.get(step)

    def session(self, h):
        def say(text):
            h.wfile.write(text.encode() + b'\r\n')
        say(self.at('greeting', h) or '220 relay.test ESMTP')
        mail, rcpts = '', []
        for line in h.rfile:
            line = line.decode('utf-8', 'surrogateescape').rstrip('\r\n')
            self.commands.append(line)
            verb = line.split(' ')[0].upper()
            if verb == 'EHLO':
                odd = self.at('EHLO', h)
                say(odd or '\r\n'.join(['250-relay.test'] + ['250-' + o for o in self.offers] + ['250 HELP']))
            elif verb == 'MAIL':
                mail, rcpts = line, []
                say(self.at('MAIL', h) or '250 2.1.0 ok')
            elif verb == 'RCPT':
                odd = self.at('RCPT', h) or self.refuse.get(line[8:])
                if not odd:
                    rcpts.append(line)
                say(odd or '250 2.1.5 ok')
            elif verb == 'DATA':
                odd = self.at('DATA', h)
                say(odd or '354 go on')
                if odd:
                    continue
                content = self.content(h)
                odd = self.at('dot', h)
                if not odd:
                    self.mails.append((mail, rcpts, content))
                say(odd or '250 2.0.0 taken')
                self.at('after', h)
            elif verb == 'QUIT':
                say('221 bye')
                return
            else:
                say('250 ok')

    def content(self, h):
        content = bytearray()
        while True:
            data = h.rfile.readline()
            if not data:
                raise Hangup()
            if data == b'.\r\n':
                return bytes(content)
            content += data[1:] if data.startswith(b'.') else data
            self.at('content', h)


class Hangup(Exception):
    pass
