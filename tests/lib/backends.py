"""backends - a real clamd and a real c-icap with a configuration and a database of the test's own"""
import os
import signal
import socket
import ssl
import threading

from lib import avmilter, rig

MODULES = '/usr/lib/x86_64-linux-gnu/c_icap'


def ask(address, question, size=12, seconds=1):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(seconds)
        try:
            s.connect(address)
            s.sendall(question)
            return s.recv(size)
        except OSError:
            return b''


class Clamd:
    """name: of its folder; port: of its TCP socket beside the unix one."""

    def __init__(self, name, port, more=''):
        self.dir = rig.folder(name)
        os.chmod(self.dir, 0o777)
        self.port = port
        self.socket = self.dir + '/clamd.sock'
        self.unix, self.tcp = 'unix:' + self.socket, '127.0.0.1:%d' % port
        self.output = self.dir + '/output'
        self.more = more
        self.process = None

    def start(self):
        rig.write(self.dir + '/clamd.conf', '''DatabaseDirectory %s
LocalSocket %s
LocalSocketMode 666
FixStaleSocket yes
TCPSocket %d
TCPAddr 127.0.0.1
TemporaryDirectory /tmp
Foreground yes
MaxThreads 4
StreamMaxLength 8M
SelfCheck 0
AlertExceedsMax yes
AlertEncrypted yes
%s''' % (avmilter.database('clamd-db'), self.socket, self.port, self.more))
        self.process = rig.Process(['clamd', '-c', self.dir + '/clamd.conf'], self.output)
        rig.wait_for(self.answers, 30, 'clamd: ' + rig.tail(self.output))
        return self

    def answers(self):
        return ask(('127.0.0.1', self.port), b'zPING\0') == b'PONG\0' and os.path.exists(self.socket)

    def kill(self):
        self.process.kill(signal.SIGKILL)
        self.process.wait(10)
        self.process.stop()

    def freeze(self):
        self.process.kill(signal.SIGSTOP)

    def thaw(self):
        self.process.kill(signal.SIGCONT)


class CIcap:
    """With virus_scan over a clamd; service avscan looks at everything, service virus_scan is Debian's default."""

    def __init__(self, name, port, clamd):
        self.dir = rig.folder(name)
        os.chmod(self.dir, 0o777)
        self.port = port
        self.url = 'icap://127.0.0.1:%d' % port
        self.output = self.dir + '/output'
        self.clamd = clamd

    def start(self):
        rig.write(self.dir + '/c-icap.conf', '''PidFile {0}/pid
CommandsSocket {0}/ctl
Port 127.0.0.1:{1}
StartServers 1
MaxServers 2
ThreadsPerChild 10
MinSpareThreads 5
MaxSpareThreads 10
MaxRequestsPerChild 0
Timeout 60
MaxKeepAliveRequests 100
KeepAliveTimeout 60
User nobody
Group nogroup
ServerName test
TmpDir /tmp
MaxMemObject 131072
DebugLevel 1
ModulesDir {2}
ServicesDir {2}
TemplateDir /usr/share/c_icap/templates/
TemplateDefaultLanguage en
LoadMagicFile /etc/c-icap/c-icap.magic
RemoteProxyUsers off
ServerLog {0}/log
AccessLog {0}/access
Service echo srv_echo.so
Service antivirus_module virus_scan.so
ServiceAlias avscan virus_scan?allow204=on&force=on&sizelimit=off&mode=simple
virus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE GIF JPEG MSOFFICE
virus_scan.MaxObjectSize 2M
virus_scan.PassOnError off
virus_scan.DefaultEngine clamd
Module common clamd_mod.so
clamd_mod.ClamdSocket {3}
'''.format(self.dir, self.port, MODULES, self.clamd.socket))
        self.process = rig.Process(['c-icap', '-N', '-f', self.dir + '/c-icap.conf'], self.output)
        question = b'OPTIONS icap://127.0.0.1/avscan ICAP/1.0\r\nHost: x\r\n\r\n'
        rig.wait_for(lambda: ask(('127.0.0.1', self.port), question) == b'ICAP/1.0 200', 30,
                     'c-icap: ' + rig.tail(self.output))
        return self


def certificate(name):
    """(certificate, key) files for a host name, signed by itself."""
    folder = rig.folder('cert-' + name)
    cert, key = folder + '/cert.pem', folder + '/key.pem'
    rig.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key,
             '-out', cert, '-days', '2', '-subj', '/CN=' + name, '-addext', 'subjectAltName=DNS:' + name], check=True)
    os.chmod(key, 0o644)
    return cert, key


class TlsFront:
    """TLS in front of a plain server on loopback, asking for a client certificate when ca is given."""

    def __init__(self, cert, key, target, ca=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        if ca:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(ca)
        self.target = target
        self.accepted = 0
        self.listener = socket.socket()
        self.listener.bind(('127.0.0.1', 0))
        self.listener.listen(50)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            sock, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        try:
            client = self.context.wrap_socket(sock, server_side=True)
        except (OSError, ssl.SSLError):
            sock.close()
            return
        self.accepted += 1
        server = socket.create_connection(('127.0.0.1', self.target))
        threading.Thread(target=self.pump, args=(client, server), daemon=True).start()
        self.pump(server, client)

    @staticmethod
    def pump(source, sink):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                sink.sendall(data)
        except (OSError, ssl.SSLError):
            pass
        for s in (source, sink):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Refusing:
    """Accepts and closes at once, as a balancer without servers behind it does."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(('127.0.0.1', 0))
        self.listener.listen(50)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            sock, _ = self.listener.accept()
            sock.close()
